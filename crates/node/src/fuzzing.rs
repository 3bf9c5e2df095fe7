//! Fuzz targets: plain functions that must not panic on any bytes.

use std::sync::{Arc, OnceLock};

use redb::StorageBackend;
use redb::backends::InMemoryBackend;
use weir_disk::{JournalFiles, Journals, MemoryJournals};
use weir_peer::{Batch, Write};

use crate::store::{Birth, Durability, Medium, Store};
use crate::transport::framing::{Decoded, Decoder, Encoder, FramingError};

/// Small, so that oversized frames are found.
const FRAME_BYTES: usize = 1000;

/// A stream of frames, in pieces whose size is the first byte: however it is
/// cut, the same frames come out, and they are those of the stream.
pub fn link(data: &[u8]) {
    let Some((piece, stream)) = data.split_first() else {
        return;
    };
    let (frames, end) = decode(stream.chunks(usize::from(*piece).max(1)));
    assert_eq!(decode(std::iter::once(stream)), (frames.clone(), end));
    let mut encoder = Encoder::default();
    let mut again = Vec::new();
    for frame in frames {
        encoder.push(frame);
        while !encoder.chunk().is_empty() {
            again.extend_from_slice(encoder.chunk());
            encoder.advance(encoder.chunk().len());
        }
    }
    assert!(stream.starts_with(&again));
    assert_eq!(end.is_ok(), stream.len() == again.len());
}

fn decode<'a>(
    pieces: impl Iterator<Item = &'a [u8]>,
) -> (Vec<bytes::Bytes>, Result<(), FramingError>) {
    let mut decoder = Decoder::new(FRAME_BYTES);
    let mut frames = Vec::new();
    for mut input in pieces {
        loop {
            match decoder.decode(&mut input) {
                Ok(Decoded::NeedsMore) => break,
                Ok(Decoded::Begins(bytes)) => assert!(bytes <= FRAME_BYTES),
                Ok(Decoded::Frame(frame)) => frames.push(frame),
                Err(error) => return (frames, Err(error)),
            }
        }
    }
    let end = decoder.finish();
    (frames, end)
}

/// A store with damage: each four bytes are a place in the file, or in its journal, which is behind it, and what is
/// written there. It opens, or says that it is damaged.
pub fn store(data: &[u8]) {
    let image = image();
    let mut file = image.file.clone();
    let mut journal = image.journal.clone();
    for damage in data.chunks_exact(4) {
        let place = u32::from_be_bytes([0, damage[0], damage[1], damage[2]]) as usize;
        let place = place % (file.len() + journal.len());
        let damaged = file.iter_mut().chain(&mut journal).nth(place);
        *damaged.expect("it is less than both") = damage[3];
    }
    let backend = InMemoryBackend::new();
    let wrote = |result: std::io::Result<()>| result.expect("memory can be written");
    wrote(backend.set_len(file.len() as u64));
    wrote(backend.write(0, &file));
    let journals = MemoryJournals::default();
    journals.insert(image.first, journal);
    let medium = Medium {
        backend: || Ok(backend),
        journals: Arc::new(journals),
        buffer_bytes: 1 << 20,
    };
    let Ok(store) = Store::on("fuzz".as_ref(), medium, Durability::Process, BIRTH) else {
        return;
    };
    let _ = store.scan(&[]);
    let _ = store.commit(&batch(7));
    let _ = store.scan(&[1]);
}

const BIRTH: Birth = Birth {
    at_ms: 0,
    with_key: true,
};

fn batch(seed: u8) -> Batch {
    let put = |number: u8| Write::Put {
        key: vec![number % 3, seed, number],
        value: vec![number; usize::from(number) * 8],
    };
    Batch {
        writes: (0..100).map(put).collect(),
    }
}

/// A sound store whose journal has what its file has not.
struct Image {
    file: Vec<u8>,
    journal: Vec<u8>,
    first: u64,
}

fn image() -> &'static Image {
    static IMAGE: OnceLock<Image> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store");
        let open = || Store::open(&path, Durability::Process, BIRTH).expect("it is sound");
        open().commit(&batch(1)).expect("there is room");
        let file = std::fs::read(&path).expect("it can be read");
        let store = open();
        store.commit(&batch(2)).expect("there is room");
        store.commit(&batch(3)).expect("there is room");
        let journals = JournalFiles::of(&path);
        let first = journals.list().expect("it can be read")[0];
        let journal = journals.read(first).expect("it can be read");
        Image {
            file,
            journal,
            first,
        }
    })
}
