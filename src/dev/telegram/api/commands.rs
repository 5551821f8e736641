//! The commands that a bot offers in its menu (<https://core.telegram.org/bots/api#setmycommands>).

use serde_json::{Value, json};

use super::{
    super::{
        parameters::Parameters,
        refusal::Refusal,
        wire::Command,
        world::{Menu, World},
    },
    Outcome,
};

pub(super) fn set(world: &mut World, bot: usize, parameters: &Parameters) -> Outcome {
    let commands: Vec<Command> = parameters.json("commands")?.unwrap_or_default();
    if commands.len() > 100 {
        return Err(Refusal::bad("BOT_COMMANDS_TOO_MUCH"));
    }
    for Command { command, description } in &commands {
        let letters = command.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !letters || !(1..=32).contains(&command.len()) {
            return Err(Refusal::bad("BOT_COMMAND_INVALID"));
        }
        if !(1..=256).contains(&description.chars().count()) {
            return Err(Refusal::bad("BOT_COMMAND_DESCRIPTION_INVALID"));
        }
    }
    replace(world, bot, parameters, commands)
}

pub(super) fn delete(world: &mut World, bot: usize, parameters: &Parameters) -> Outcome {
    replace(world, bot, parameters, Vec::new())
}

pub(super) fn get(world: &mut World, bot: usize, parameters: &Parameters) -> Outcome {
    let (scope, language_code) = which(parameters)?;
    let menus = &world.bots[bot].settings.commands;
    let menu = menus.iter().find(|menu| menu.scope == scope && menu.language_code == language_code);
    Ok(json!(menu.map_or(&[][..], |menu| &menu.commands)).into())
}

fn replace(world: &mut World, bot: usize, parameters: &Parameters, commands: Vec<Command>) -> Outcome {
    let (scope, language_code) = which(parameters)?;
    world.change_settings(bot, |settings| {
        settings.commands.retain(|menu| menu.scope != scope || menu.language_code != language_code);
        if !commands.is_empty() {
            settings.commands.push(Menu { scope, language_code, commands });
        }
    });
    Ok(json!(true).into())
}

fn which(parameters: &Parameters) -> Result<(Value, String), Refusal> {
    let scope = parameters.json("scope")?.unwrap_or_else(|| json!({ "type": "default" }));
    Ok((scope, parameters.text("language_code")))
}
