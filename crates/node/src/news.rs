//! What the submitter of a particle hears.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use thiserror::Error;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use weir_identity::PeerId;
use weir_peer::{ParticleEvent, ParticleId};

use crate::error::Stopped;

/// Something that happened to a particle.
#[derive(Debug, Clone)]
pub struct News {
    /// When it was told here.
    pub at: Instant,
    /// What.
    pub event: ParticleEvent,
    /// With [`ParticleEvent::Learnt`]: the authors of journals that are known
    /// now, and how many entries of each.
    pub journals: Vec<(PeerId, u32)>,
}

/// Why there is no more news.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NewsEnd {
    /// The particle has expired, which the last piece of news said.
    #[error("the particle has expired")]
    Over,
    /// More happened than was taken.
    #[error("more happened than was listened to: news = {limit}")]
    Missed {
        /// The limit that was hit.
        limit: usize,
    },
    /// The node does not work any more.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// A particle that was submitted, and its news.
#[derive(Debug)]
pub struct Submitted {
    particle: ParticleId,
    news: mpsc::Receiver<News>,
    end: Arc<OnceLock<NewsEnd>>,
}

impl Submitted {
    /// Its identity.
    pub fn particle(&self) -> ParticleId {
        self.particle
    }

    /// Waits for the next piece of news. Can be dropped at any time without
    /// loss.
    pub async fn next(&mut self) -> Result<News, NewsEnd> {
        self.news.recv().await.ok_or_else(|| self.end())
    }

    /// The next piece of news if it is there already.
    pub fn try_next(&mut self) -> Option<News> {
        self.news.try_recv().ok()
    }

    fn end(&self) -> NewsEnd {
        let unsaid = || {
            Stopped {
                reason: "it was shut down".to_owned(),
            }
            .into()
        };
        self.end.get().cloned().unwrap_or_else(unsaid)
    }
}

/// The other side of [`Submitted`].
#[derive(Debug)]
pub(crate) struct Watcher {
    news: mpsc::Sender<News>,
    end: Arc<OnceLock<NewsEnd>>,
    limit: usize,
}

/// A particle's news, and where to tell them.
pub(crate) fn channel(particle: ParticleId, limit: usize) -> (Watcher, Submitted) {
    let limit = limit.max(1);
    let (sender, news) = mpsc::channel(limit);
    let end = Arc::new(OnceLock::new());
    let watcher = Watcher {
        news: sender,
        end: end.clone(),
        limit,
    };
    (
        watcher,
        Submitted {
            particle,
            news,
            end,
        },
    )
}

impl Watcher {
    /// Tells it. False if nothing more is to be told.
    pub(crate) fn tell(&self, news: News) -> bool {
        let last = matches!(news.event, ParticleEvent::Expired { .. });
        match self.news.try_send(news) {
            Ok(()) if last => self.end(NewsEnd::Over),
            Ok(()) => return true,
            Err(TrySendError::Full(_)) => self.end(NewsEnd::Missed { limit: self.limit }),
            Err(TrySendError::Closed(_)) => {}
        }
        false
    }

    /// Says why there is no more. The first reason counts.
    pub(crate) fn end(&self, end: NewsEnd) {
        let _ = self.end.set(end);
    }

    /// Nobody listens any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.news.is_closed()
    }
}

#[cfg(test)]
mod tests {
    use weir_identity::Hash;

    use super::*;

    fn news(event: ParticleEvent) -> News {
        News {
            at: Instant::now(),
            event,
            journals: Vec::new(),
        }
    }

    #[tokio::test]
    async fn whoever_does_not_listen_is_told_that_something_is_missing() {
        let (watcher, mut submitted) = channel(ParticleId(Hash::from([0; 32])), 2);
        assert!(watcher.tell(news(ParticleEvent::Done)));
        assert!(watcher.tell(news(ParticleEvent::Done)));
        assert!(!watcher.tell(news(ParticleEvent::Done)));
        drop(watcher);
        submitted.next().await.unwrap();
        submitted.next().await.unwrap();
        assert_eq!(
            submitted.next().await.unwrap_err(),
            NewsEnd::Missed { limit: 2 }
        );
    }

    #[tokio::test]
    async fn expiry_is_the_last_piece_of_news() {
        let (watcher, mut submitted) = channel(ParticleId(Hash::from([0; 32])), 2);
        assert!(!watcher.tell(news(ParticleEvent::Expired {
            waiting: Vec::new()
        })));
        drop(watcher);
        submitted.next().await.unwrap();
        assert_eq!(submitted.next().await.unwrap_err(), NewsEnd::Over);
    }
}
