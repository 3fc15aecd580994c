//! A non-blocking writer.
//!
//! Lines are buffered, up to a limit, for a thread that writes them. When the output blocks (a paused terminal, a full
//! disk, a pipe whose reader hangs), lines are dropped and counted; no request waits.

use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Maximum size of the buffer, in bytes.
const CAPACITY: usize = 1 << 20;

/// Writes of up to this size to a pipe are atomic (`PIPE_BUF`), so that lines of several processes do not mix.
const PIECE: usize = 4096;

/// The delay before a write is retried that would have blocked.
const RETRY: Duration = Duration::from_millis(10);

/// The writer. Clones share the buffer.
#[derive(Clone)]
pub(super) struct Writer(Arc<Shared>);

struct Shared {
    capacity: usize,
    state: Mutex<State>,
    /// Signalled when lines are waiting.
    filled: Condvar,
    /// Signalled when the buffer is empty and written.
    emptied: Condvar,
    full: AtomicU64,
    failed: AtomicU64,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    writing: bool,
}

// === impl Writer ===

impl Writer {
    /// Starts the thread that writes to `output`, for as long as the process runs.
    pub(super) fn start(output: impl Write + Send + 'static) -> io::Result<Self> {
        Self::with_capacity(output, CAPACITY)
    }

    fn with_capacity(output: impl Write + Send + 'static, capacity: usize) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            capacity,
            state: Mutex::default(),
            filled: Condvar::new(),
            emptied: Condvar::new(),
            full: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        });
        let work = Arc::clone(&shared);
        thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || work.run(output))?;
        Ok(Self(shared))
    }

    /// Buffers a line, which ends in a line feed. Returns whether there was room.
    pub(super) fn put(&self, line: &[u8]) -> bool {
        let mut state = self.0.state();
        let fits = state.waiting.len() + line.len() <= self.0.capacity;
        if fits {
            state.waiting.extend_from_slice(line);
            self.0.filled.notify_one();
        } else {
            self.0.full.fetch_add(1, Ordering::Relaxed);
        }
        fits
    }

    /// Waits until everything is written, at most for `limit`. Returns whether it is.
    pub(super) fn flush(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        let mut state = self.0.state();
        while state.writing || !state.waiting.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self
                .0
                .emptied
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    /// Lines dropped because the buffer was full.
    pub(super) fn full(&self) -> u64 {
        self.0.full.load(Ordering::Relaxed)
    }

    /// Lines lost because a write failed.
    pub(super) fn failed(&self) -> u64 {
        self.0.failed.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

// === impl Shared ===

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut output: impl Write) {
        let mut lines = Vec::new();
        loop {
            let mut state = self.state();
            state.writing = false;
            while state.waiting.is_empty() {
                self.emptied.notify_all();
                state = self
                    .filled
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            std::mem::swap(&mut state.waiting, &mut lines);
            state.writing = true;
            drop(state);
            for piece in pieces(&lines) {
                if write(&mut output, piece).is_err() {
                    let lost = piece.split_inclusive(|byte| *byte == b'\n').count();
                    self.failed.fetch_add(lost as u64, Ordering::Relaxed);
                }
            }
            lines.clear();
        }
    }
}

/// Splits the text into chunks of whole lines, as many as fit into one write, at least one.
fn pieces(mut text: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        if text.is_empty() {
            return None;
        }
        let ends = |byte: &u8| *byte == b'\n';
        let end = text
            .get(..PIECE)
            .map_or(Some(text.len()), |most| {
                most.iter().rposition(ends).map(|at| at + 1)
            })
            .or_else(|| text.iter().position(ends).map(|at| at + 1))
            .unwrap_or(text.len());
        let (piece, rest) = text.split_at(end);
        text = rest;
        Some(piece)
    })
}

/// Writes all bytes, also to an output in non-blocking mode.
fn write(output: &mut impl Write, mut piece: &[u8]) -> io::Result<()> {
    while !piece.is_empty() {
        match output.write(piece) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => piece = &piece[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::park_timeout(RETRY),
            Err(error) => return Err(error),
        }
    }
    output.flush()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use proptest::prelude::*;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    /// What is written, write by write; each waits for a permission.
    struct Gate {
        may: Receiver<io::Result<()>>,
        written: Sender<Vec<u8>>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.may.recv().unwrap_or(Ok(()))?;
            let _ = self.written.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn gate() -> (Sender<io::Result<()>>, Receiver<Vec<u8>>, Gate) {
        let (permit, may) = channel();
        let (written, seen) = channel();
        (permit, seen, Gate { may, written })
    }

    fn text(seen: &Receiver<Vec<u8>>) -> String {
        String::from_utf8(seen.try_iter().flatten().collect()).unwrap()
    }

    #[test]
    fn a_reader_that_hangs_costs_lines_that_are_counted_and_nobody_waits() {
        let (permit, seen, output) = gate();
        let writer = Writer::with_capacity(output, 20).unwrap();
        let mut taken = 0;
        // One line fits; the thread may have taken one before.
        for _ in 0..100 {
            taken += u64::from(writer.put(b"0123456789\n"));
        }
        assert!(taken == 1 || taken == 2, "{taken} were taken");
        assert_eq!(writer.full(), 100 - taken);
        assert!(!writer.flush(Duration::ZERO));
        drop(permit);
        assert!(writer.flush(LIMIT));
        assert_eq!(text(&seen).len() as u64, taken * 11);
        assert!(writer.put(b"again\n") && writer.flush(LIMIT));
        assert_eq!(text(&seen), "again\n");
    }

    #[test]
    fn a_write_that_fails_is_counted_and_the_next_is_tried() {
        let (permit, seen, output) = gate();
        let writer = Writer::start(output).unwrap();
        permit.send(Err(ErrorKind::BrokenPipe.into())).unwrap();
        assert!(writer.put(b"lost\n") && writer.flush(LIMIT));
        assert_eq!(writer.failed(), 1);
        permit.send(Err(ErrorKind::WouldBlock.into())).unwrap();
        permit.send(Err(ErrorKind::Interrupted.into())).unwrap();
        permit.send(Ok(())).unwrap();
        assert!(writer.put(b"kept\n") && writer.flush(LIMIT));
        assert_eq!((writer.failed(), text(&seen).as_str()), (1, "kept\n"));
    }

    #[test]
    fn lines_of_many_threads_are_whole() {
        let (permit, seen, output) = gate();
        drop(permit);
        let writer = Writer::start(output).unwrap();
        thread::scope(|scope| {
            for name in ["a", "b", "c", "d"] {
                let writer = &writer;
                scope.spawn(move || {
                    let line = name.repeat(99) + "\n";
                    (0..500).for_each(|_| assert!(writer.put(line.as_bytes())));
                });
            }
        });
        assert!(writer.flush(LIMIT));
        let pieces: Vec<_> = seen.try_iter().collect();
        assert!(pieces.iter().all(|piece| piece.ends_with(b"\n")));
        let text = String::from_utf8(pieces.concat()).unwrap();
        assert_eq!(text.lines().count(), 2000);
        for line in text.lines() {
            assert_eq!(line, line[..1].repeat(99));
        }
    }

    proptest! {
        #[test]
        fn pieces_are_whole_lines_that_fit_in_a_write_unless_one_line_alone_does_not(
            lengths in proptest::collection::vec(prop_oneof![0..200usize, 4000..9000usize], 0..40),
        ) {
            let text: Vec<u8> = lengths
                .iter()
                .flat_map(|length| [vec![b'x'; *length], vec![b'\n']].concat())
                .collect();
            for piece in pieces(&text) {
                let lines = piece.split_inclusive(|byte| *byte == b'\n').count();
                prop_assert!(piece.ends_with(b"\n"));
                prop_assert!(piece.len() <= PIECE || lines == 1);
            }
            prop_assert_eq!(pieces(&text).collect::<Vec<_>>().concat(), text);
        }
    }
}
