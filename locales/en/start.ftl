start-title = Say hello and see what there is to do
start-welcome = Hello, { $name }! Good to have you here.
start-next = Something broken, missing or unsafe? /report it.
    Need somebody's yes? /approve asks for it.
    /help lists all I can do.
