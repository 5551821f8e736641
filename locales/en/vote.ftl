vote-title = Have a group vote
vote-in-a-group = A vote needs a group: add me to one and send /vote there.

vote-question = What shall we vote on? Reply to this message.
vote-choices = Which choices are there? Reply with two to ten: one on each line, or with commas between them.
vote-too-few = A vote needs two choices at least.
vote-too-many = { $count } choices are all that I can show.
vote-choice-too-long = A choice has { $count } characters at most: it has to fit on a button.
vote-limit = How long shall it take?
vote-limit-10-minutes = 10 minutes
vote-limit-1-hour = 1 hour
vote-limit-1-day = 1 day
vote-all = How many of you vote? Reply with a number, and I close the vote when all have. Or skip this.

vote-put = { $asker } asks:
    { $question }
    You have { $limit }.
vote-won = { $question }
    <b>{ $winner }</b> has won, with { $count } of { $all ->
        [one] one vote
       *[other] { $all } votes
    }.
vote-tied = { $question }
    A tie, with { $count } of { $all } votes each:
    { $winners }
vote-nobody = { $question }
    Nobody has voted.
