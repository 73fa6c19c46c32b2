// Prints what AsyncAPI's own parser says of a document: severity 0 is an error, 1 a warning.
import { createRequire } from 'node:module';
const [folder, file] = process.argv.slice(2);
const { Parser, fromFile } = createRequire(`${folder}/`)('@asyncapi/parser');
const { document, diagnostics } = await fromFile(new Parser(), file).parse();
console.log(JSON.stringify({
  channels: document ? document.channels().all().map((channel) => channel.address()) : null,
  said: diagnostics.map(({ severity, code, message, path }) => ({ severity, code, message, path: path.join('.') })),
}));
