# What the engine itself says. A team's own files may override any of these.

language-name = English
date = { $weekday ->
    [1] Monday
    [2] Tuesday
    [3] Wednesday
    [4] Thursday
    [5] Friday
    [6] Saturday
   *[7] Sunday
}, { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
} { $day }, { $year }

cancelled = Cancelled.
nothing-to-cancel = There is nothing to cancel.
no-way-back = There is no way back from here.
stale-button = This button is no longer in use.
not-for-you = This question is for somebody else.
edited = I saw that you changed a message, but only new messages count. To change your last answer, send /back.
nothing-asked = Nothing is asked of you at the moment. /cancel ends what is going on, /help tells what else there is.
unknown-input = I don't know what to do with this. Send /start to begin, or /help to see what I can do.
position-noted = Thank you! For half an hour I know where you are. Send /help to see what I can do.
unknown-command = I don't know /{ $command }. Send /help to see what I can do, or /start to begin.
something-went-wrong = Something went wrong on our side, and we have been told. Send /start to begin again.
operator-dead-letter = Something could not be done for { $conversation }: { $cause }
operator-told = Trace { $trace }

help = This is what I can do:
help-line = /{ $command } – { $title }
cancel-title = Stop what is going on
help-title = Show this list

# Answers that are none

# All the ways to answer: “Please send a photo, or skip this.”
hint = Please { $ways }.
hint-or = { $ways }, or { $way }
hint-buttons = use the buttons
hint-write = write it as a message
hint-photo = send a photo
hint-document = send a file
hint-voice = send a voice message
hint-audio = send an audio file
hint-video = send a video
hint-sticker = send a sticker
hint-location = send a location
hint-skip = skip this
send-a-location = Please send a location: the paper clip, then “Location”.
wrong-file = This kind of file does not help here.
too-many-files = { $count ->
    [one] That is more than I can take: only the first one is kept.
   *[other] That is more than I can take: only the first { $count } are kept.
}
too-short = { $count ->
    [one] Please write something.
   *[other] Please write at least { $count } characters.
}
too-long = Please keep it to { $count } characters.
not-a-number = Please write a number, such as 12 or 1,000.50.
not-whole = Please write a whole number.
too-little = Please write a number of at least { $least }.
too-much = Please write a number of at most { $most }.
not-a-date = Please write a date, such as 2026-08-01 or 1.8.2026.
too-early = Please write a date not before { $first }.
too-late = Please write a date not after { $last }.
choose-at-least = { $count ->
    [one] Please choose at least one.
   *[other] Please choose at least { $count }.
}
choose-at-most = { $count ->
    [one] Please choose only one.
   *[other] Please choose at most { $count }.
}

# Files

file-gone = One file can no longer be fetched. Could you send it once more?
file-too-large = One file is too large for me: { $megabytes } MB is the most that I can fetch.
file-unaccepted = One file is not what I can keep: please send a picture, a video, a sound or a PDF.
file-not-kept = One file could not be kept. The team has been told.
file-unsent = A file belongs here, but it can no longer be sent.

# Under a question that was answered by button, or is withdrawn from whoever was asked

chosen = ✓ { $choice }
withdrawn = ✓ no longer needed
skipped = skipped
nothing-chosen = nothing

# Buttons

back = ‹ Back
skip = Skip
done = Done
yes = Yes
no = No
picked = ✓ { $choice }
page-before = ‹ Before
page-after = More ›
