//! A text that refuses to grow beyond a bound, whatever is written into it: a value of little memory can be written out as much.

use std::io;

use minijinja::{Error, ErrorKind};

/// Longest text that a conversation, or one value, becomes, bytes.
const LONGEST: usize = 16 << 20;

/// The text so far.
#[derive(Default)]
pub(super) struct Bounded(Vec<u8>);

impl Bounded {
    /// Adds to it.
    ///
    /// # Errors
    /// Where it would be too long.
    pub fn push(&mut self, text: &str) -> Result<(), Error> {
        io::Write::write_all(self, text.as_bytes())
            .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
    }

    /// The whole.
    ///
    /// # Errors
    /// Where something else than text was written.
    pub fn text(self) -> Result<String, Error> {
        String::from_utf8(self.0).map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
    }
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LONGEST {
            return Err(io::Error::other("the text becomes longer than 16 MiB"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
