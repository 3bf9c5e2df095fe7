//! The functions of `weir:host` as the generated bindings have them, answered by the script of the test.

#![allow(
    clippy::unnecessary_wraps,
    reason = "the signatures are those of the bindings"
)]

/// Who calls.
pub(crate) mod context {
    use crate::context::{Info, Tetraplet};
    use crate::testing::with;

    pub(crate) fn get() -> Info {
        with(|script| script.info.clone())
    }

    pub(crate) fn provenance(argument: u32) -> Vec<Tetraplet> {
        with(|script| {
            let literal = || {
                vec![Tetraplet {
                    peer: script.info.initiator.clone(),
                    service: String::new(),
                    function: String::new(),
                    lens: String::new(),
                }]
            };
            script
                .origins
                .get(&argument)
                .cloned()
                .unwrap_or_else(literal)
        })
    }
}

/// Notes.
pub(crate) mod log {
    use crate::log::Level;
    use crate::testing::with;

    pub(crate) fn write(level: Level, text: &str) {
        with(|script| script.log.push((level, text.to_owned())));
    }
}

/// The state.
pub(crate) mod state {
    use crate::bindings::weir::host::state::{Entry, Error, KeyRange, Order};
    use crate::state::{KEY_BYTES_MAX, SCAN_BYTES_MAX, SCAN_ENTRIES_MAX, VALUE_BYTES_MAX};
    use crate::testing::script::Script;
    use crate::testing::{Mode, with};
    use std::ops::Bound;

    pub(crate) fn get(key: &[u8]) -> Option<Vec<u8>> {
        read(|script| script.state.get(key).cloned())
    }

    pub(crate) fn length(key: &[u8]) -> Option<u32> {
        read(|script| script.state.get(key).map(|value| value.len() as u32))
    }

    pub(crate) fn set(key: &[u8], value: &[u8]) -> Result<bool, Error> {
        write(|script| {
            bound("a key", key, KEY_BYTES_MAX)?;
            bound("a value", value, VALUE_BYTES_MAX)?;
            let held = |(key, value): (&Vec<u8>, &Vec<u8>)| key.len() + value.len();
            let others = script.state.iter().filter(|(other, _)| *other != key);
            if others.map(held).sum::<usize>() + key.len() + value.len() > script.quota {
                return Err(Error::Quota(format!("at most {} bytes", script.quota)));
            }
            Ok(script.state.insert(key.to_vec(), value.to_vec()).is_some())
        })
    }

    pub(crate) fn delete(key: &[u8]) -> Result<bool, Error> {
        write(|script| {
            bound("a key", key, KEY_BYTES_MAX)?;
            Ok(script.state.remove(key).is_some())
        })
    }

    pub(crate) fn scan(range: &KeyRange, order: Order, limit: u32) -> Vec<Entry> {
        let entry = |(key, value): (&Vec<u8>, &Vec<u8>)| Entry {
            key: key.clone(),
            value: value.clone(),
        };
        let size = |entry: &Entry| entry.key.len() + entry.value.len();
        visit(range, order, limit, entry, size)
    }

    pub(crate) fn keys(range: &KeyRange, order: Order, limit: u32) -> Vec<Vec<u8>> {
        visit(range, order, limit, |(key, _)| key.clone(), Vec::len)
    }

    fn visit<T>(
        range: &KeyRange,
        order: Order,
        limit: u32,
        item: impl Fn((&Vec<u8>, &Vec<u8>)) -> T,
        size: impl Fn(&T) -> usize,
    ) -> Vec<T> {
        read(|script| {
            if range.end.as_ref().is_some_and(|end| *end <= range.start) {
                return Vec::new();
            }
            let end = range.end.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
            let entries = script
                .state
                .range::<Vec<u8>, _>((Bound::Included(&range.start), end));
            match order {
                Order::Ascending => take(entries.map(item), limit, size),
                Order::Descending => take(entries.rev().map(item), limit, size),
            }
        })
    }

    /// The first of them, as many as one scan gives: it ends with the item that reaches the most bytes.
    fn take<T>(items: impl Iterator<Item = T>, limit: u32, size: impl Fn(&T) -> usize) -> Vec<T> {
        let mut found = Vec::new();
        let mut bytes = 0;
        for item in items.take(limit.min(SCAN_ENTRIES_MAX) as usize) {
            bytes += size(&item);
            found.push(item);
            if bytes >= SCAN_BYTES_MAX {
                break;
            }
        }
        found
    }

    fn bound(what: &str, bytes: &[u8], max: usize) -> Result<(), Error> {
        if bytes.len() <= max {
            return Ok(());
        }
        Err(Error::TooLong(format!(
            "{what} of {} bytes, at most {max}",
            bytes.len()
        )))
    }

    fn read<T>(read: impl FnOnce(&Script) -> T) -> T {
        // Not while the script is borrowed: the test goes on to use it.
        let is_pure = with(|script| script.mode == Mode::Pure);
        assert!(!is_pure, "a function declared `pure` uses the state");
        with(|script| read(script))
    }

    fn write<T>(write: impl FnOnce(&mut Script) -> Result<T, Error>) -> Result<T, Error> {
        if read(|script| script.mode == Mode::View) {
            return Err(Error::ReadOnly);
        }
        with(write)
    }
}

/// Blobs.
pub(crate) mod blobs {
    use crate::bindings::weir::host::faults::Fault;
    use crate::blobs::READ_BYTES_MAX;
    use crate::testing::{effect, with};

    const INTERFACE: &str = "weir:host/blobs";

    pub(crate) fn size(cid: &str) -> Result<u64, Fault> {
        find(cid, |blob| Ok(blob.len() as u64))
    }

    pub(crate) fn read(cid: &str, offset: u64, len: u32) -> Result<Vec<u8>, Fault> {
        find(cid, |blob| {
            let start = usize::try_from(offset).map_or(blob.len(), |offset| offset.min(blob.len()));
            let end = blob.len().min(start + len.min(READ_BYTES_MAX) as usize);
            Ok(blob[start..end].to_vec())
        })
    }

    pub(crate) fn put(bytes: &[u8]) -> Result<String, Fault> {
        effect(INTERFACE);
        Ok(with(|script| script.keep(bytes)))
    }

    fn find<T>(cid: &str, read: impl FnOnce(&[u8]) -> Result<T, Fault>) -> Result<T, Fault> {
        effect(INTERFACE);
        with(|script| match script.blobs.get(cid) {
            Some(blob) => read(blob),
            None => Err(Fault::NotFound(format!("the blob {cid}"))),
        })
    }
}

/// Requests.
pub(crate) mod http {
    use crate::bindings::weir::host::faults::Fault;
    use crate::bindings::weir::host::http::{Header, Request, Response};
    use crate::testing::{effect, with};

    pub(crate) fn fetch(request: &Request) -> Result<Response, Fault> {
        effect("weir:host/http");
        let pair = |header: &Header| (header.name.clone(), header.value.clone());
        let sent = crate::http::Request {
            method: request.method.clone(),
            url: request.url.clone(),
            headers: request.headers.iter().map(pair).collect(),
            body: request.body.clone(),
        };
        let (method, url) = (sent.method.clone(), sent.url.clone());
        let answer = with(|script| {
            script.requests.push(sent);
            script.answers.get(&(method.clone(), url.clone())).cloned()
        });
        match answer {
            None => Err(Fault::Denied(format!(
                "the test has no answer for {method} {url}"
            ))),
            Some(Err(fault)) => Err(fault.into()),
            Some(Ok(response)) => Ok(Response {
                status: response.status,
                headers: response
                    .headers
                    .into_iter()
                    .map(|(name, value)| Header { name, value })
                    .collect(),
                body: response.body,
            }),
        }
    }
}

/// What stands for signatures.
pub(crate) mod signing {
    use crate::bindings::weir::host::faults::Fault;
    use crate::testing::script::Script;
    use crate::testing::{effect, with};

    pub(crate) fn sign(message: &[u8]) -> Result<Vec<u8>, Fault> {
        effect("weir:host/signing");
        Ok(with(|script| {
            Script::signature(&script.info.worker, &script.info.service, message)
        }))
    }

    /// Anybody can check a signature, so this is no effect.
    pub(crate) fn verify(peer: &str, service: &str, message: &[u8], signature: &[u8]) -> bool {
        Script::signature(peer, service, message) == signature
    }
}

/// Programs.
pub(crate) mod programs {
    use crate::bindings::weir::host::faults::Fault;
    use crate::programs::Output;
    use crate::testing::{effect, with};

    pub(crate) fn run(name: &str, arguments: &[String]) -> Result<Output, Fault> {
        effect("weir:host/programs");
        // It runs outside of the script, which it may ask itself.
        match with(|script| script.programs.get(name).cloned()) {
            Some(program) => Ok(program(arguments)),
            None => Err(Fault::Denied(format!("the test offers no program {name}"))),
        }
    }
}

/// Randomness, the same in each run.
pub(crate) mod entropy {
    use crate::bindings::weir::host::faults::Fault;
    use crate::testing::{effect, with};

    const BYTES_MAX: u32 = 4_096;

    pub(crate) fn bytes(len: u32) -> Result<Vec<u8>, Fault> {
        if len > BYTES_MAX {
            let why = format!("{len} bytes of entropy: at most {BYTES_MAX}");
            return Err(Fault::Invalid(why));
        }
        effect("weir:host/entropy");
        Ok(with(|script| script.draw(len as usize)))
    }
}
