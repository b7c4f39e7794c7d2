//! A file system of SQLite's (a VFS) in which a connection's one file is whatever [`Target`] points at: the connection reads one
//! tenant's file after another and keeps what it has learned of their common schema. It only reads.
//!
//! Here alone the program speaks SQLite's C interface, which is `unsafe`: docs/decisions/0048-stores-at-rest.md.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use diesel::{Connection, SqliteConnection};
use libsqlite3_sys as ffi;

use super::target::{ReadError, Target};
use crate::StoreError;
use crate::lock::lock;

const NAME: &CStr = c"usher-rest";

/// The longest name of a file here: a number.
const LONGEST_NAME: c_int = 64;

/// Targets whose connections are being opened, by the names of their files.
static OPENING: LazyLock<Mutex<HashMap<Vec<u8>, Arc<Target>>>> = LazyLock::new(Mutex::default);

/// SQLite's code for whether the file system could be registered. It stays for as long as the process.
static REGISTERED: LazyLock<c_int> = LazyLock::new(register);

/// A file of this file system, as SQLite keeps it.
#[repr(C)]
struct OpenFile {
    base: ffi::sqlite3_file,
    /// One count of an `Arc`, from `xOpen` to `xClose`.
    target: *const Target,
}

/// Opens a connection that reads what `target` points at.
///
/// # Errors
/// SQLite's.
pub(super) fn connect(target: &Arc<Target>) -> Result<SqliteConnection, StoreError> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    if *REGISTERED != ffi::SQLITE_OK {
        return Err(StoreError::Unavailable(format!("SQLite refused a file system: {}", *REGISTERED)));
    }
    let name = format!("/{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    lock(&OPENING).insert(name.clone().into_bytes(), Arc::clone(target));
    let connected = SqliteConnection::establish(&format!("file:{name}?vfs=usher-rest&mode=ro"));
    lock(&OPENING).remove(name.as_bytes());
    Ok(connected?)
}

fn register() -> c_int {
    // SAFETY: SQLite's default file system is static, and so is what is registered here: it is never freed.
    unsafe {
        let usual = ffi::sqlite3_vfs_find(ptr::null());
        let (Some(usual), Ok(size)) = (usual.as_ref(), c_int::try_from(size_of::<OpenFile>())) else {
            return ffi::SQLITE_ERROR;
        };
        // Time, sleep and randomness are the machine's; these functions of the default file system look at nothing of it.
        let own = ffi::sqlite3_vfs {
            iVersion: usual.iVersion.min(2),
            szOsFile: size,
            mxPathname: LONGEST_NAME,
            zName: NAME.as_ptr(),
            pNext: ptr::null_mut(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_path_name),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xGetLastError: None,
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
            ..*usual
        };
        ffi::sqlite3_vfs_register(Box::leak(Box::new(own)), 0)
    }
}

/// Without shared memory, so that no file is taken for one with a log.
static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 1,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(take_lock),
    xUnlock: Some(leave_lock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
};

/// Opens the one file of a connection; journals and temporary files are refused.
unsafe extern "C" fn open(
    _vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let file = file.cast::<OpenFile>();
    // SAFETY: SQLite gives room for a file of the size that was registered, and a name that ends with a zero, or none.
    unsafe {
        (*file).base.pMethods = ptr::null();
        if name.is_null() || flags & ffi::SQLITE_OPEN_MAIN_DB == 0 {
            return ffi::SQLITE_CANTOPEN;
        }
        let Some(target) = lock(&OPENING).get(CStr::from_ptr(name).to_bytes()).cloned() else {
            return ffi::SQLITE_CANTOPEN;
        };
        (*file).target = Arc::into_raw(target);
        (*file).base.pMethods = &raw const METHODS;
        if let Some(out_flags) = out_flags.as_mut() {
            *out_flags = ffi::SQLITE_OPEN_READONLY | ffi::SQLITE_OPEN_MAIN_DB;
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file that `open` has opened, once.
    unsafe { drop(Arc::from_raw((*file.cast::<OpenFile>()).target)) };
    ffi::SQLITE_OK
}

/// # Safety
/// Only for a file between `open` and `close`, which is all that SQLite calls its methods with.
unsafe fn target_of<'a>(file: *mut ffi::sqlite3_file) -> &'a Target {
    // SAFETY: the count that `open` took is given back by `close` alone.
    unsafe { &*(*file.cast::<OpenFile>()).target }
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    buffer: *mut c_void,
    amount: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    let (Ok(amount), Ok(offset)) = (usize::try_from(amount), u64::try_from(offset)) else {
        return ffi::SQLITE_IOERR_READ;
    };
    // SAFETY: SQLite lends a buffer of `amount` bytes, which holds zeros before it is looked at as a slice.
    let (target, buffer) = unsafe {
        ptr::write_bytes(buffer.cast::<u8>(), 0, amount);
        (target_of(file), slice::from_raw_parts_mut(buffer.cast::<u8>(), amount))
    };
    match target.read(buffer, offset) {
        Ok(()) => ffi::SQLITE_OK,
        Err(ReadError::BehindTheEnd) => ffi::SQLITE_IOERR_SHORT_READ,
        Err(ReadError::Failed) => ffi::SQLITE_IOERR_READ,
    }
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: SQLite lends a place for the size.
    let (target, size) = unsafe { (target_of(file), size.as_mut()) };
    match (size, target.length().and_then(|length| i64::try_from(length).ok())) {
        (Some(size), Some(length)) => {
            *size = length;
            ffi::SQLITE_OK
        }
        _ => ffi::SQLITE_IOERR_FSTAT,
    }
}

/// A lock is only noted: other processes are kept out by looking at the file before and after.
unsafe extern "C" fn take_lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    if level > ffi::SQLITE_LOCK_SHARED {
        return ffi::SQLITE_READONLY;
    }
    // SAFETY: as `target_of` asks.
    unsafe { target_of(file) }.note_reading(level != ffi::SQLITE_LOCK_NONE);
    ffi::SQLITE_OK
}

unsafe extern "C" fn leave_lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: as `target_of` asks.
    unsafe { target_of(file) }.note_reading(level != ffi::SQLITE_LOCK_NONE);
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved_lock(_file: *mut ffi::sqlite3_file, taken: *mut c_int) -> c_int {
    // SAFETY: SQLite lends a place for the answer.
    unsafe { set(taken, 0) }
}

unsafe extern "C" fn access(
    _vfs: *mut ffi::sqlite3_vfs,
    _name: *const c_char,
    _flags: c_int,
    found: *mut c_int,
) -> c_int {
    // SAFETY: SQLite lends a place for the answer. There are no journals and no logs here.
    unsafe { set(found, 0) }
}

/// # Safety
/// `place` points at an integer, or is null.
unsafe fn set(place: *mut c_int, value: c_int) -> c_int {
    // SAFETY: the caller's word.
    if let Some(place) = unsafe { place.as_mut() } {
        *place = value;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_path_name(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    full: *mut c_char,
) -> c_int {
    // SAFETY: the name ends with a zero, and `full` has room for `room` bytes.
    unsafe {
        let name = CStr::from_ptr(name).to_bytes_with_nul();
        if usize::try_from(room).is_ok_and(|room| name.len() <= room) {
            ptr::copy_nonoverlapping(name.as_ptr().cast(), full, name.len());
            return ffi::SQLITE_OK;
        }
    }
    ffi::SQLITE_CANTOPEN
}

unsafe extern "C" fn delete(_vfs: *mut ffi::sqlite3_vfs, _name: *const c_char, _sync: c_int) -> c_int {
    ffi::SQLITE_READONLY
}

unsafe extern "C" fn write(
    _file: *mut ffi::sqlite3_file,
    _data: *const c_void,
    _amount: c_int,
    _offset: ffi::sqlite3_int64,
) -> c_int {
    ffi::SQLITE_READONLY
}

unsafe extern "C" fn truncate(_file: *mut ffi::sqlite3_file, _size: ffi::sqlite3_int64) -> c_int {
    ffi::SQLITE_READONLY
}

unsafe extern "C" fn sync(_file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(_file: *mut ffi::sqlite3_file, _code: c_int, _value: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_file: *mut ffi::sqlite3_file) -> c_int {
    4096
}

unsafe extern "C" fn device_characteristics(_file: *mut ffi::sqlite3_file) -> c_int {
    0
}
