report-title = Melden, was kaputt ist, fehlt oder gefährlich ist

report-kind = Worum geht es?
report-kind-cleaning = Reinigung
report-kind-security = Sicherheit
report-kind-technical = Technik
report-kind-facilities = Ausstattung

report-where = Wo ist es? Schick mir deinen Standort: die Büroklammer, dann „Standort“.
report-area = Oder wähle hier den Bereich:
report-area-nearest = Oder wähle hier den Bereich, den nächsten zuerst:
report-area-found = Das ist { $area }.
report-area-not-found = Das ist von all unseren Bereichen zu weit weg. Bitte wähle hier einen:
report-no-areas = Ich kann noch keine Meldungen annehmen: Niemand hat mir gesagt, welche Bereiche es hier gibt. Bitte sag es jemandem aus dem Team direkt.

report-facility = Was ist es bei { $area }?
report-photos = Ein Foto sagt viel: Schick bis zu zehn, als ein Album. Oder überspringe das.
report-note = Was sollten wir wissen? Schreib ein, zwei Zeilen, oder überspringe das, wenn die Fotos alles sagen.
report-note-caption = Was du darunter geschrieben hast, nehme ich als deine Notiz:
    { $caption }
    Überspringe das, um es dabei zu belassen, oder schreib, was stattdessen dastehen soll.
report-note-instead = Was stimmt nicht? Ein, zwei Zeilen genügen.

report-review = Das ist deine Meldung:
report-summary-kind = <b>Worum:</b> { $kind }
report-summary-area = <b>Wo:</b> { $area }
report-summary-facility = <b>Wo:</b> { $area }, { $facility }
report-summary-photos = <b>Fotos:</b> { $count }
report-summary-note = <b>Notiz:</b> { $note }
report-review-next = Soll ich sie abschicken?
report-review-submit = Abschicken
report-review-edit = Ändern
report-review-cancel = Abbrechen

report-edit = Was sollen wir ändern? Alles andere bleibt.
report-field-kind = Worum es geht
report-field-area = Wo es ist
report-field-facility = Was dort ist
report-field-photos = Fotos
report-field-note = Notiz

report-thanks = Danke! Das Team weiß jetzt Bescheid. Wenn du mit ihnen darüber sprichst, sag { $reference }.
evidence-lost = Zu deiner Meldung { $reference }: { $why }
report-cancelled = Gut, nichts wurde abgeschickt. /report beginnt eine neue Meldung.
