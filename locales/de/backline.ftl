# What the engine itself says. A team's own files may override any of these.

language-name = Deutsch
date = { $weekday ->
    [1] Montag
    [2] Dienstag
    [3] Mittwoch
    [4] Donnerstag
    [5] Freitag
    [6] Samstag
   *[7] Sonntag
}, { $day }. { $month ->
    [1] Januar
    [2] Februar
    [3] März
    [4] April
    [5] Mai
    [6] Juni
    [7] Juli
    [8] August
    [9] September
    [10] Oktober
    [11] November
   *[12] Dezember
} { $year }

cancelled = Abgebrochen.
nothing-to-cancel = Es gibt nichts abzubrechen.
no-way-back = Von hier führt kein Weg zurück.
stale-button = Dieser Knopf gilt nicht mehr.
not-for-you = Diese Frage ist für jemand anderen.
edited = Ich habe gesehen, dass du eine Nachricht geändert hast, aber nur neue zählen. Deine letzte Antwort änderst du mit /back.
nothing-asked = Gerade wirst du nichts gefragt. /cancel beendet, was läuft; /help zeigt, was es sonst gibt.
unknown-input = Damit kann ich nichts anfangen. Mit /start geht es los, /help zeigt, was ich kann.
position-noted = Danke! Eine halbe Stunde lang weiß ich, wo du bist. /help zeigt, was ich kann.
unknown-command = /{ $command } kenne ich nicht. /help zeigt, was ich kann; mit /start geht es los.
something-went-wrong = Bei uns ist etwas schiefgegangen, und wir wissen Bescheid. Mit /start geht es von vorn los.
operator-dead-letter = Für { $conversation } konnte etwas nicht erledigt werden: { $cause }
operator-told = Trace { $trace }

help = Das kann ich:
help-line = /{ $command } – { $title }
cancel-title = Beenden, was gerade läuft
help-title = Diese Liste zeigen

# Answers that are none

# All the ways to answer: “Bitte schick ein Foto oder überspringe das.”
hint = Bitte { $ways }.
hint-or = { $ways } oder { $way }
hint-buttons = nimm die Knöpfe
hint-write = schreib es als Nachricht
hint-photo = schick ein Foto
hint-document = schick eine Datei
hint-voice = schick eine Sprachnachricht
hint-audio = schick eine Audiodatei
hint-video = schick ein Video
hint-sticker = schick einen Sticker
hint-location = schick einen Standort
hint-skip = überspringe das
send-a-location = Bitte schick einen Standort: die Büroklammer, dann „Standort“.
wrong-file = Diese Art von Datei hilft hier nicht.
too-many-files = { $count ->
    [one] Das sind mehr, als ich nehmen kann: Nur die erste behalte ich.
   *[other] Das sind mehr, als ich nehmen kann: Nur die ersten { $count } behalte ich.
}
too-short = { $count ->
    [one] Bitte schreib etwas.
   *[other] Bitte schreib mindestens { $count } Zeichen.
}
too-long = { $count ->
    [one] Bitte schreib höchstens ein Zeichen.
   *[other] Bitte schreib höchstens { $count } Zeichen.
}
not-a-number = Bitte schreib eine Zahl, etwa 12 oder 1.000,50.
not-whole = Bitte schreib eine ganze Zahl.
too-little = Bitte schreib eine Zahl ab { $least }.
too-much = Bitte schreib eine Zahl bis { $most }.
not-a-date = Bitte schreib ein Datum, etwa 1.8.2026 oder 2026-08-01.
too-early = Bitte schreib ein Datum, das nicht vor { $first } liegt.
too-late = Bitte schreib ein Datum, das nicht nach { $last } liegt.
choose-at-least = { $count ->
    [one] Bitte wähle mindestens eins.
   *[other] Bitte wähle mindestens { $count }.
}
choose-at-most = { $count ->
    [one] Bitte wähle nur eins.
   *[other] Bitte wähle höchstens { $count }.
}

# Under a question that was answered by button, or is withdrawn from whoever was asked

chosen = ✓ { $choice }
withdrawn = ✓ nicht mehr nötig
skipped = übersprungen
nothing-chosen = nichts

# Buttons

back = ‹ Zurück
skip = Überspringen
done = Fertig
yes = Ja
no = Nein
picked = ✓ { $choice }
page-before = ‹ Vorige
page-after = Weitere ›

# Dateien

file-gone = Eine Datei ist nicht mehr abrufbar. Kannst du sie noch einmal schicken?
file-too-large = Eine Datei ist mir zu groß: Mehr als { $megabytes } MB kann ich nicht abrufen.
file-unaccepted = Eine Datei kann ich nicht aufbewahren: Bitte schick ein Bild, ein Video, einen Ton oder ein PDF.
file-not-kept = Eine Datei konnte nicht aufbewahrt werden. Das Team weiß Bescheid.
file-unsent = Hierher gehört eine Datei, aber sie lässt sich nicht mehr senden.
