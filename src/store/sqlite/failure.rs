//! What SQLite's errors mean to a caller of the store.

use rusqlite::ErrorCode;

use crate::store::Error;

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            // Not SQLite's: a column that does not hold what the schema says.
            None => Self::Refused(format!("the file is damaged: {error}")),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Refused(format!("the file is damaged or no database: {error}"))
            }
            Some(
                ErrorCode::TooBig
                | ErrorCode::ConstraintViolation
                | ErrorCode::TypeMismatch
                | ErrorCode::ApiMisuse
                | ErrorCode::ParameterOutOfRange,
            ) => Self::Refused(error.to_string()),
            // A full or failing disk, a lock that is not given: all may pass.
            Some(_) => unavailable(error),
        }
    }
}

/// The store can't serve now, for this reason.
pub(super) fn unavailable(why: impl ToString) -> Error {
    Error::Unavailable { why: why.to_string(), retry_after: None }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn what_may_pass_is_transient_and_what_may_not_is_not() {
        let transient =
            |code| Error::from(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)).is_transient();
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_BUSY, ffi::SQLITE_CANTOPEN] {
            assert!(transient(code), "{code}");
        }
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB, ffi::SQLITE_TOOBIG, ffi::SQLITE_CONSTRAINT] {
            assert!(!transient(code), "{code}");
        }
    }
}
