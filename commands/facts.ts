// Run by the program itself, see `askFacts`: prints what a cluster says that decides what an `up` does. Before it, an empty
// line whenever something has come, so that who waits for it knows that it goes on.
import { printableJson } from "../components/input/printable.ts";
import { optionOf } from "../components/facts/ask.ts";
import { RareTask } from "../components/facts/rareTasks.ts";
import { readFacts } from "../components/cluster/facts.ts";
import { print, runCommand } from "./commandLine.ts";
import { connect } from "./connect.ts";

await runCommand({ usage: "Usage: node commands/facts.ts [--TASK...] [POOL...]" }, async () => {
  const config = await connect();
  const onProgress = atMostEach(1000, () => {
    print("");
  });
  const args = process.argv.slice(2);
  const tasks = Object.values(RareTask).filter((task) => args.includes(optionOf(task)));
  const pools = args.filter((arg) => !tasks.map(optionOf).includes(arg));
  print(printableJson(await readFacts(config, pools, onProgress, tasks)));
});

function atMostEach(milliseconds: number, work: () => void): () => void {
  let last = 0;
  return () => {
    if (Date.now() - last < milliseconds) return;
    last = Date.now();
    work();
  };
}
