-- The tick takes old before images out of the stores as well, which are kept for a shorter time than the log: so it looks at each tenant once now,
-- and learns when the next look is due.
UPDATE due_times SET due_ms = noted_ms WHERE due_ms > noted_ms;
