//! What is seen while something takes long: a bar on a terminal, a line now and then elsewhere; and ctrl-C.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use undermask_model::HubProgress;
use undermask_run::Asked;

/// A bar with rate and time left.
pub struct Bar {
    bar: ProgressBar,
    lines: Option<(String, Instant)>,
    message: String,
}

/// Without a terminal, a line is printed this often.
const LINE_EVERY: Duration = Duration::from_secs(10);

impl Bar {
    /// A bar of so many units.
    pub fn new(name: &str, unit: &str, length: usize) -> Bar {
        let bar = ProgressBar::with_draw_target(Some(length as u64), ProgressDrawTarget::stderr_with_hz(8));
        let template =
            format!("  {{prefix}} {{bar:32}} {{human_pos}}/{{human_len}} {unit} {{per_sec}} {{eta}} left {{msg}}");
        let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("━━─"));
        bar.set_prefix(name.to_owned());
        let lines = (!std::io::stderr().is_terminal()).then(|| (name.to_owned(), Instant::now()));
        Bar { bar, lines, message: String::new() }
    }

    /// Moves it to where a run is.
    pub fn asked(&mut self, asked: Asked) {
        if asked.now == 0 {
            self.start_at(asked.done);
        }
        self.set(asked.done, "");
    }

    /// Moves it.
    pub fn set(&mut self, done: usize, message: &str) {
        self.bar.set_position(done as u64);
        if self.message != message {
            self.bar.set_message(message.to_owned());
            message.clone_into(&mut self.message);
        }
        if let Some((name, last)) = &mut self.lines
            && last.elapsed() > LINE_EVERY
        {
            *last = Instant::now();
            let left = self.bar.eta().as_secs();
            eprintln!("  {name}: {done} of {} ({left} s left) {message}", self.bar.length().unwrap_or(0));
        }
    }

    /// What was done before this sitting does not count towards the rate.
    pub fn start_at(&mut self, done: usize) {
        self.bar.set_position(done as u64);
        self.bar.reset_eta();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// What is seen of downloads: a bar of bytes, and notes.
pub struct Downloads {
    name: String,
    bar: Option<Bar>,
    done: u64,
}

impl Downloads {
    /// For the model of this name; nothing is shown before something is downloaded.
    pub fn new(name: &str) -> Downloads {
        Downloads { name: name.to_owned(), bar: None, done: 0 }
    }

    /// Moves it on.
    pub fn step(&mut self, step: HubProgress) {
        match step {
            HubProgress::Begin { bytes: 0 } => self.bar = None,
            HubProgress::Begin { bytes } => {
                self.done = 0;
                self.bar = Some(Bar::new(&self.name, "bytes", usize::try_from(bytes).unwrap_or(usize::MAX)));
            }
            HubProgress::Bytes(bytes) => {
                self.done += bytes;
                if let Some(bar) = &mut self.bar {
                    bar.set(usize::try_from(self.done).unwrap_or(usize::MAX), "");
                }
            }
            HubProgress::Note(note) => eprintln!("  {}: {note}", self.name),
        }
    }
}

static PRESSED: AtomicUsize = AtomicUsize::new(0);

/// Counts ctrl-C: the first asks the work to stop where it can continue later, the second ends the process at once.
pub fn listen() {
    // A second call (several models) fails harmlessly: the handler is there.
    let _ = ctrlc::set_handler(|| {
        if PRESSED.fetch_add(1, Ordering::SeqCst) > 0 {
            std::process::exit(130);
        }
        eprintln!("\n  stopping after this batch; press ctrl-C again to stop at once");
    });
}

/// Whether the user asked to stop.
pub fn interrupted() -> bool {
    PRESSED.load(Ordering::SeqCst) > 0
}
