# What the engine itself says. A team's own files may override any of these.

please-answer = Please answer the question above.
use-the-buttons = Please use the buttons.
cancelled = Cancelled.
nothing-to-cancel = There is nothing to cancel.
stale-button = This button is no longer in use.
unknown-input = I don't know what to do with this. Send /start to begin.
something-went-wrong = Something went wrong on our side. Send /start to begin again.

# Buttons

back = Back
skip = Skip
done = Done
yes = Yes
no = No
