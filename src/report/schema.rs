//! The closed sets of the JSON contract, for its schema: each is made of the list the program itself uses.

use schemars::Schema;
use schemars::SchemaGenerator;
use schemars::json_schema;

use crate::domain::facts::elb::GroupType;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::judgement::controller::Activity;
use crate::domain::judgement::controller::Presence;
use crate::domain::judgement::row::Flag;
use crate::domain::judgement::standing::Standing;
use crate::domain::judgement::standing::VerdictKind;
use crate::domain::judgement::unsettled::Unsettled;

fn one_of<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Schema {
    let values: Vec<String> = values.into_iter().map(Into::into).collect();
    json_schema!({"type": "string", "enum": values})
}

fn some_of<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Schema {
    json_schema!({"type": "array", "items": one_of(values)})
}

pub(super) fn verdict(_: &mut SchemaGenerator) -> Schema {
    one_of(VerdictKind::ALL.map(VerdictKind::code))
}

pub(super) fn standing(_: &mut SchemaGenerator) -> Schema {
    one_of(Standing::ALL.map(Standing::code))
}

pub(super) fn flags(_: &mut SchemaGenerator) -> Schema {
    some_of(Flag::ALL.map(Flag::code))
}

pub(super) fn unsettled(_: &mut SchemaGenerator) -> Schema {
    some_of(Unsettled::all().map(Unsettled::code))
}

pub(super) fn presence(_: &mut SchemaGenerator) -> Schema {
    one_of(Presence::ALL.map(Presence::word))
}

pub(super) fn activity(_: &mut SchemaGenerator) -> Schema {
    one_of(Activity::WORDS)
}

pub(super) fn failure(_: &mut SchemaGenerator) -> Schema {
    one_of(ErrorKind::ALL.map(ErrorKind::code))
}

pub(super) fn target_type(_: &mut SchemaGenerator) -> Schema {
    let values: Vec<Option<&str>> =
        GroupType::ALL.map(|it| Some(it.text())).into_iter().chain([None]).collect();
    json_schema!({"enum": values})
}
