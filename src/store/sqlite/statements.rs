//! The SQL of each container, made once from `statements.sql`.

use std::sync::LazyLock;

use crate::store::Container;

const TEMPLATES: &str = include_str!("statements.sql");

/// What can be asked of and done to one container's table.
pub(super) struct Statements {
    pub(super) read: String,
    pub(super) query: String,
    pub(super) query_due: String,
    pub(super) due: String,
    pub(super) changes: String,
    pub(super) list: String,
    pub(super) create: String,
    pub(super) upsert: String,
    pub(super) replace: String,
    pub(super) delete: String,
    pub(super) purge: String,
}

impl Statements {
    pub(super) fn of(container: Container) -> &'static Self {
        static ALL: LazyLock<[Statements; Container::ALL.len()]> =
            LazyLock::new(|| Container::ALL.map(Statements::make));
        &ALL[container as usize]
    }

    fn make(container: Container) -> Self {
        let named = |name: &str| {
            let (_, from_here) = TEMPLATES
                .split_once(&format!("\n-- {name}\n"))
                .expect("a test below prepares every statement by its name");
            let statement = from_here.split(';').next().unwrap_or_default();
            in_table_of(container, statement)
        };
        Self {
            read: named("read"),
            query: named("query"),
            query_due: named("query_due"),
            due: named("due"),
            changes: named("changes"),
            list: named("list"),
            create: named("create"),
            upsert: named("upsert"),
            replace: named("replace"),
            delete: named("delete"),
            purge: named("purge"),
        }
    }
}

/// SQL written for `documents`, said of this container's table.
pub(super) fn in_table_of(container: Container, sql: &str) -> String {
    sql.replace("documents", container.name())
}

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, StatementStatus};

    use super::*;
    use crate::store::sqlite::connection::set_up;

    #[test]
    fn every_container_has_its_own_statements() {
        for container in Container::ALL {
            assert!(Statements::of(container).read.contains(&format!("FROM {}\n", container.name())));
        }
    }

    /// Does this to each statement of one container, on an empty database.
    fn each(mut check: impl FnMut(&Connection, &str)) {
        let mut connection = Connection::open_in_memory().unwrap();
        set_up(&mut connection).unwrap();
        for container in Container::ALL {
            connection.execute_batch(&in_table_of(container, include_str!("../schema.sql"))).unwrap();
        }
        let all = Statements::of(Container::Conversations);
        let Statements { read, query, query_due, due, changes, list, create, upsert, replace, delete, purge } =
            all;
        for sql in [read, query, query_due, due, changes, list, create, upsert, replace, delete, purge] {
            check(&connection, sql);
        }
    }

    #[test]
    fn no_statement_scans_or_sorts() {
        each(|connection, sql| {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let free = vec![rusqlite::types::Null; plan.parameter_count()];
            let steps: Vec<String> = plan
                .query_map(rusqlite::params_from_iter(free), |row| row.get(3))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            let slow = steps.iter().find(|step| step.contains("SCAN") || step.contains("TEMP B-TREE"));
            assert_eq!(slow, None, "{sql}: {steps:?}");
        });
    }

    #[test]
    fn no_statement_is_planned_anew_for_each_call() {
        each(|connection, sql| {
            let mut statement = connection.prepare(sql).unwrap();
            for call in 0..3 {
                for parameter in 1..=statement.parameter_count() {
                    statement.raw_bind_parameter(parameter, call).unwrap();
                }
                // What it does to these values is no matter here.
                let _ = statement.raw_query().next();
            }
            assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{sql}");
        });
    }
}
