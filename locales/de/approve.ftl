approve-title = Jemanden um ein Ja bitten

approve-nobody = Außer dir hat noch niemand mit mir gesprochen, also kann ich niemanden fragen. Sie sollen mir /start schicken; dann komm wieder.
approve-what = Wofür brauchst du ein Ja? Schreib es so, dass man ohne Rückfrage entscheiden kann.
approve-limit = Wie lange kannst du auf die Antwort warten?
approve-limit-10-minutes = 10 Minuten
approve-limit-1-hour = 1 Stunde
approve-limit-1-day = 1 Tag
approve-whom = Wer entscheidet?
approve-whom-else = Wer entscheidet stattdessen? Die Zeit läuft dann neu.
approve-unreachable = Ich erreiche { $other } nicht: Vielleicht bin ich dort blockiert. Wer kann sonst entscheiden?
approve-unreachable-last = Ich erreiche { $other } nicht: Vielleicht bin ich dort blockiert. Sonst könnte ich niemanden fragen; bitte finde diesmal einen anderen Weg.

approve-waiting = { $other } ist gefragt und hat so lange Zeit: { $limit }. Sobald es eine Antwort gibt, sage ich Bescheid.
approve-meanwhile-withdraw = Zurückziehen
approve-meanwhile-reassign = Jemand anderen fragen
approve-withdrawn = Gut, zurückgezogen.

approve-decide = { $asker } bittet um dein Ja:
    { $what }
    So lange hast du Zeit: { $limit }.
approve-decision-approve = Ja
approve-decision-decline = Nein
approve-taken-back = { $asker } braucht keine Antwort mehr von dir.
approve-thanks = Danke! { $asker } weiß Bescheid.
approve-too-late = Die Zeit ist um, und { $asker } weiß, dass keine Antwort kam. Wenn es noch wichtig ist, sprecht miteinander.
approve-reason = Danke, { $asker } weiß Bescheid. Wenn du magst, schreib innerhalb von 10 Minuten einen Grund, und ich gebe ihn weiter.
approve-reason-passed-on = An { $asker } weitergegeben. Danke!

approve-approved = { $other } sagt Ja:
    { $what }
approve-declined = { $other } sagt Nein:
    { $what }
approve-declined-because = { $other } nennt einen Grund:
    { $reason }
approve-expired = { $other } hat nicht rechtzeitig geantwortet:
    { $what }
    /approve fragt noch einmal.
