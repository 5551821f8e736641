// The alerts' queries by Microsoft's Kusto parser, which knows the tables as far as they are written down here.
// usage: node queries.mjs FILE...
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.NODE_PATH}/`);
require('@kusto/language-service-next/bridge.min.js');
require('@kusto/language-service-next/Kusto.Language.Bridge.min.js');
const { Language } = globalThis.Kusto;

// https://learn.microsoft.com/azure/azure-monitor/reference/tables/apprequests, …/apptraces
const common = 'TimeGenerated:datetime, OperationName:string, OperationId:string, AppRoleInstance:string, Properties:dynamic, ItemCount:int';
const tables = {
  AppRequests: 'Name:string, Url:string, Success:bool, ResultCode:string, DurationMs:real',
  AppTraces: 'Message:string, SeverityLevel:int',
};
const symbols = Object.entries(tables).map(
  ([name, columns]) => new Language.Symbols.TableSymbol.$ctor7(name, `(${common}, ${columns})`, null),
);
const database = new Language.Symbols.DatabaseSymbol.ctor('logs', symbols);
const globals = Language.GlobalState.Default.WithDatabase(database);

const files = process.argv.slice(2);
let wrong = 0;
for (const file of files) {
  const text = readFileSync(file, 'utf8');
  const found = Language.KustoCode.ParseAndAnalyze(text, globals).GetDiagnostics();
  for (let at = 0; at < found.Count; at += 1) {
    const { Message, Start } = found.getItem(at);
    wrong += 1;
    console.log(`${file}:${text.slice(0, Start).split('\n').length}: ${Message}`);
  }
}
console.log(wrong ? `${wrong} mistakes` : `${files.length} files`);
process.exit(wrong ? 1 : 0);
