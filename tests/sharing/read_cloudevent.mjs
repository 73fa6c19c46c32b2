// Reads each CloudEvent of a JSON list with the JavaScript SDK, checks it, and prints what it understood, or what is wrong.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
const [folder, file] = process.argv.slice(2);
const { CloudEvent, HTTP } = createRequire(`${folder}/`)('cloudevents');
const told = JSON.parse(readFileSync(file, 'utf8')).map((body) => {
  try {
    new CloudEvent(JSON.parse(body), true); // strict: throws for an attribute that the specification does not allow
    const event = HTTP.toEvent({ headers: { 'content-type': 'application/cloudevents+json' }, body });
    event.validate();
    const { data, ...attributes } = event.toJSON();
    return { attributes, data, written: HTTP.structured(event).body };
  } catch (error) {
    return { wrong: `${error.name}: ${error.message}` };
  }
});
console.log(JSON.stringify(told));
