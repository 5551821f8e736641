vote-title = In einer Gruppe abstimmen lassen
vote-in-a-group = Zum Abstimmen braucht es eine Gruppe: Hol mich in eine und schick dort /vote.

vote-question = Worüber stimmen wir ab? Antworte auf diese Nachricht.
vote-choices = Was steht zur Wahl? Antworte mit zwei bis zehn: eins in jeder Zeile, oder mit Kommas dazwischen.
vote-too-few = Mindestens zwei müssen zur Wahl stehen.
vote-too-many = Mehr als { $count } kann ich nicht zeigen.
vote-choice-too-long = Länger als { $count } Zeichen darf keins sein: Es muss auf einen Knopf passen.
vote-limit = Wie lange habt ihr Zeit?
vote-limit-10-minutes = 10 Minuten
vote-limit-1-hour = 1 Stunde
vote-limit-1-day = 1 Tag
vote-all = Wie viele von euch stimmen ab? Antworte mit einer Zahl, dann schließe ich, sobald alle abgestimmt haben. Oder überspringe das.

vote-put = { $asker } fragt:
    { $question }
    So lange habt ihr Zeit: { $limit }.
vote-won = { $question }
    <b>{ $winner }</b> hat gewonnen, mit { $count } von { $all ->
        [one] einer Stimme
       *[other] { $all } Stimmen
    }.
vote-tied = { $question }
    Gleichstand, mit je { $count } von { $all } Stimmen:
    { $winners }
vote-nobody = { $question }
    Niemand hat abgestimmt.
