// Azure Pipelines' YAML by Microsoft's own language service, the one inside its editor. It calls everything a warning, so
// everything counts.
// usage: node pipelines.mjs SCHEMA FILE...
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.NODE_PATH}/`);
const { getLanguageService } = require('azure-pipelines-language-service/lib/yamlLanguageService');
const { parse } = require('azure-pipelines-language-service/lib/parser/yamlParser');
const { TextDocument } = require('vscode-languageserver-textdocument');

const [schemaFile, ...files] = process.argv.slice(2);
const schema = JSON.parse(readFileSync(schemaFile, 'utf8'));
const uri = 'file:///pipelines.json';
const say = console.log;
console.log = () => {}; // It thinks aloud.
const service = getLanguageService(async () => schema, [], async () => uri);
service.configure({ validate: true, schemas: [{ uri, fileMatch: ['*'], schema }] });

let wrong = 0;
for (const file of files) {
  const document = TextDocument.create(`file://${file}`, 'azure-pipelines', 1, readFileSync(file, 'utf8'));
  for (const { message, range } of await service.doValidation(document, parse(document.getText()))) {
    wrong += 1;
    say(`${file}:${range.start.line + 1}: ${message.split('\n')[0]}`);
  }
}
say(wrong ? `${wrong} mistakes` : `${files.length} files`);
process.exit(wrong ? 1 : 0);
