//! A fake Telegram: the Bot API methods we call, updates delivered to webhooks, and a chat page.
