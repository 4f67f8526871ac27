//! class PATH: prints the class of a file or directory of a shmapfs mount.
//!
//!     rustc class.rs -l shmap
use std::ffi::{c_char, c_int, CStr, CString};

extern "C" {
    fn shmap_class_get(path: *const c_char, which: *mut c_int) -> c_int;
    fn shmap_class_name(which: c_int) -> *const c_char;
}

fn class_of(path: &str) -> std::io::Result<String> {
    let path = CString::new(path)?;
    let mut which = 0;
    let error = unsafe { shmap_class_get(path.as_ptr(), &mut which) };
    if error != 0 {
        return Err(std::io::Error::from_raw_os_error(-error));
    }
    let name = unsafe { CStr::from_ptr(shmap_class_name(which)) };
    Ok(name.to_string_lossy().into_owned())
}

fn main() -> std::io::Result<()> {
    let path = std::env::args().nth(1).expect("name one path");
    println!("{}", class_of(&path)?);
    Ok(())
}
