// Run by the program itself, see `askFacts`: prints what a cluster says that decides what an `up` does.
import { printableJson } from "../components/input/printable.ts";
import { readFacts } from "../components/cluster/facts.ts";
import { print, runCommand } from "./commandLine.ts";
import { connect } from "./connect.ts";

await runCommand({ usage: "Usage: node commands/facts.ts [POOL...]" }, async () => {
  const config = await connect();
  print(printableJson(await readFacts(config, process.argv.slice(2))));
});
