settings-title = Choose the language I speak with you
settings-in-private = Let us settle that between the two of us: send me /settings in our own chat.
settings-language = Which language shall I speak with you?
settings-language-telegram = The one of my Telegram
settings-done = Good, from now on we speak English.
settings-done-telegram = Good, from now on I speak the language that your Telegram is set to, if I know it.
