report-title = Report something that is broken, missing or unsafe

report-kind = What is it about?
report-kind-cleaning = Cleaning
report-kind-security = Security
report-kind-technical = Technical
report-kind-facilities = Facilities

report-where = Where is it? Send me your location: the paper clip, then “Location”.
report-area = Or choose the area here:
report-area-nearest = Or choose the area here, the nearest first:
report-area-found = That is { $area }.
report-area-not-found = That is too far from all our areas. Please choose one here:
report-no-areas = I can't take reports yet: nobody has told me about the areas here. Please tell somebody of the team directly.

report-facility = What is it at { $area }?
report-photos = A photo says a lot: send up to ten, as one album. Or skip this.
report-note = What should we know? Write a line or two, or skip this if the photos say it all.
report-note-caption = I take what you wrote under it as your note:
    { $caption }
    Skip this to leave it at that, or write what it should say instead.
report-note-instead = What is wrong? A line or two will do.

report-review = This is your report:
report-summary-kind = <b>About:</b> { $kind }
report-summary-area = <b>Where:</b> { $area }
report-summary-facility = <b>Where:</b> { $area }, { $facility }
report-summary-photos = <b>Photos:</b> { $count }
report-summary-note = <b>Note:</b> { $note }
report-review-next = Shall I send it?
report-review-submit = Submit
report-review-edit = Edit
report-review-cancel = Cancel

report-edit = What shall we change? All the rest stays.
report-field-kind = What it is about
report-field-area = Where it is
report-field-facility = What it is there
report-field-photos = Photos
report-field-note = Note

report-thanks = Thank you! The team knows now. If you talk to them about it, say { $reference }.
evidence-lost = About your report { $reference }: { $why }
report-cancelled = All right, nothing was sent. /report starts a new one.
