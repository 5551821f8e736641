approve-title = Ask somebody for their yes

approve-nobody = Nobody else has talked to me yet, so there is nobody I could ask. Have them send me /start, then come back.
approve-what = What do you need a yes for? Write it so that it can be decided without asking back.
approve-limit = How long can you wait for the answer?
approve-limit-10-minutes = 10 minutes
approve-limit-1-hour = 1 hour
approve-limit-1-day = 1 day
approve-whom = Who decides?
approve-whom-else = Who decides instead? The time starts anew.
approve-unreachable = I can't reach { $other }: they may have blocked me. Who else can decide?
approve-unreachable-last = I can't reach { $other }: they may have blocked me. There is nobody else I could ask, so please find another way this time.

approve-waiting = I have asked { $other }, who has { $limit } to decide. I will tell you as soon as there is an answer.
approve-meanwhile-withdraw = Withdraw
approve-meanwhile-reassign = Reassign
approve-withdrawn = All right, taken back.

approve-decide = { $asker } asks for your yes:
    { $what }
    You have { $limit }.
approve-decision-approve = Approve
approve-decision-decline = Decline
approve-taken-back = { $asker } needs no answer from you any more.
approve-thanks = Thank you! { $asker } knows.
approve-too-late = The time is over, and { $asker } knows that there was no answer. If it still matters, talk to them.
approve-reason = Thank you, { $asker } knows. If you like, write a reason within 10 minutes, and I will pass it on.
approve-reason-passed-on = Passed on to { $asker }. Thank you!

approve-approved = { $other } approves:
    { $what }
approve-declined = { $other } declines:
    { $what }
approve-declined-because = { $other } gives a reason:
    { $reason }
approve-expired = { $other } did not answer in time:
    { $what }
    /approve asks again.
