//! How each container is laid out in Cosmos DB: the one table that `provision`, queries and documents go by.

use azure_data_cosmos::models::{ContainerProperties, IndexingMode, IndexingPolicy, TimeToLive};

use crate::store::Container;

/// One container's layout.
pub(super) struct Layout {
    /// The property that documents are partitioned by. Never `id`: partition and id are two things to the port.
    pub(super) partition: &'static str,
    /// Is it asked for what is due?
    pub(super) due: bool,
}

impl Layout {
    pub(super) const fn of(container: Container) -> Self {
        let (partition, due) = match container {
            Container::Inputs => ("workflowId", true),
            Container::Conversations => ("conversationId", true),
            Container::Events => ("subject", false),
            Container::People => ("bot", false),
            Container::Areas => ("area", false),
            Container::DeadLetters => ("source", false),
        };
        Self { partition, due }
    }

    pub(super) fn partition_path(&self) -> String {
        format!("/{}", self.partition)
    }

    /// What is queried; all else would only cost.
    pub(super) fn indexed(&self) -> Vec<&'static str> {
        if self.due { vec!["/id/?", "/dueAt/?"] } else { vec!["/id/?"] }
    }
}

/// The container as it is made where it is missing: a document expires if it says so itself, else never
/// (<https://learn.microsoft.com/azure/cosmos-db/nosql/time-to-live>), and only what is queried is indexed
/// (<https://learn.microsoft.com/azure/cosmos-db/index-policy>).
pub(super) fn properties(container: Container) -> ContainerProperties {
    let layout = Layout::of(container);
    let mut indexing = IndexingPolicy::default().with_indexing_mode(IndexingMode::Consistent);
    indexing.automatic = true;
    for path in layout.indexed() {
        indexing = indexing.with_included_path(path);
    }
    let indexing = indexing.with_excluded_path("/*");
    ContainerProperties::new(container.name(), layout.partition_path().into())
        .with_default_ttl(TimeToLive::NoDefault)
        .with_indexing_policy(indexing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_made_as_azure_wants_to_hear_it() {
        let sent = serde_json::to_value(properties(Container::Inputs)).unwrap();
        assert_eq!(sent["defaultTtl"], -1);
        assert_eq!(sent["partitionKey"]["paths"][0], "/workflowId");
        assert_eq!(sent["indexingPolicy"]["automatic"], true);
        assert_eq!(sent["indexingPolicy"]["excludedPaths"][0]["path"], "/*");
        assert_eq!(sent["indexingPolicy"]["includedPaths"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn a_deployment_makes_the_same_containers() {
        let deployed: serde_json::Value =
            serde_json::from_str(include_str!("../../../infra/data.json")).unwrap();
        let here = Container::ALL.map(|container| {
            let made = serde_json::to_value(properties(container)).unwrap();
            let indexed = made["indexingPolicy"]["includedPaths"].as_array().unwrap();
            let indexed: Vec<_> = indexed.iter().map(|included| &included["path"]).collect();
            serde_json::json!({
                "name": made["id"],
                "partitionKey": made["partitionKey"]["paths"][0],
                "defaultTtl": made["defaultTtl"],
                "indexed": indexed,
            })
        });
        assert_eq!(deployed["containers"], serde_json::json!(here));
    }

    #[test]
    fn no_property_of_ours_is_another_s() {
        for container in Container::ALL {
            assert!(!["id", "body", "dueAt", "ttl"].contains(&Layout::of(container).partition));
        }
    }
}
