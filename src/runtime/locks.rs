//! One process takes one conversation's inputs one after another.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, Weak},
};

use tokio::sync::OwnedMutexGuard;

use crate::model::WorkflowId;

/// A lock for every name; names that nobody holds take no room.
#[derive(Default)]
pub(super) struct Locks {
    named: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

impl Locks {
    /// Waits until nobody else holds `name`.
    pub(super) async fn lock(&self, name: String) -> OwnedMutexGuard<()> {
        self.named(name).lock_owned().await
    }

    /// Holds `name` if nobody else does.
    pub(super) fn try_lock(&self, name: String) -> Option<OwnedMutexGuard<()>> {
        self.named(name).try_lock_owned().ok()
    }

    fn named(&self, name: String) -> Arc<tokio::sync::Mutex<()>> {
        let mut named = self.named.lock().expect("nobody panics while holding the names");
        if named.len() > 1024 && named.len() == named.capacity() {
            named.retain(|_, lock| lock.strong_count() > 0);
        }
        let lock = named.get(&name).and_then(Weak::upgrade).unwrap_or_default();
        named.insert(name, Arc::downgrade(&lock));
        lock
    }
}

/// The workflows that somebody works on.
#[derive(Default)]
pub(super) struct Turns {
    held: BTreeMap<WorkflowId, OwnedMutexGuard<()>>,
}

impl Turns {
    /// Holds these workflows. False if somebody else had one of them in the meantime: what was read before is old.
    pub(super) async fn take(
        &mut self,
        locks: &Locks,
        workflows: impl Iterator<Item = &WorkflowId> + Clone,
    ) -> bool {
        if workflows.clone().eq(self.held.keys()) {
            return true;
        }
        self.held.clear();
        for workflow in workflows.clone() {
            match locks.named(workflow.to_string()).try_lock_owned() {
                Ok(guard) => self.held.insert(*workflow, guard),
                Err(_) => break,
            };
        }
        if workflows.clone().eq(self.held.keys()) {
            return true;
        }
        // In the order of their ids, so that two never wait for each other.
        self.held.clear();
        for workflow in workflows {
            self.held.insert(*workflow, locks.lock(workflow.to_string()).await);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_is_held_once_and_forgotten_afterwards() {
        let locks = Locks::default();
        let held = locks.lock("a".to_owned()).await;
        let _other = locks.lock("b".to_owned()).await;
        let second = locks.lock("a".to_owned());
        tokio::pin!(second);
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(held);
        drop(second.await);
        for n in 0..10_000 {
            drop(locks.lock(n.to_string()).await);
        }
        assert!(locks.named.lock().unwrap().len() < 4096);
    }
}
