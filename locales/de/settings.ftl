settings-title = Die Sprache wählen, in der wir uns unterhalten
settings-in-private = Das regeln wir besser unter uns: Schick mir /settings in unserem eigenen Chat.
settings-language = In welcher Sprache sollen wir uns unterhalten?
settings-language-telegram = Die meines Telegrams
settings-done = Gut, ab jetzt sprechen wir Deutsch.
settings-done-telegram = Gut, ab jetzt spreche ich die Sprache, auf die dein Telegram eingestellt ist, wenn ich sie kann.
