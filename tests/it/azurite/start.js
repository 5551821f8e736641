// Starts a service of Azurite, and ends it when standard input ends: so it never outlives the tests, however those end.
// Arguments: the file that starts it, then what it is told.
const [main] = process.argv.splice(2, 1);
process.stdin.on("end", () => process.exit(0)).resume();
require(main);
