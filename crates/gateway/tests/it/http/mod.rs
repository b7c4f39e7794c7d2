//! What HTTP lets a client write in more than one way: methods, media types, targets, names of attributes in a query.

mod head;
mod media_types;
mod projection;
mod targets;
