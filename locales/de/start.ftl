start-title = Hallo sagen und sehen, was es zu tun gibt
start-welcome = Hallo, { $name }! Schön, dass du da bist.
start-next = Etwas ist kaputt, fehlt oder ist gefährlich? Melde es mit /report.
    Du brauchst von jemandem ein Ja? /approve fragt danach.
    /help zeigt alles, was ich kann.
