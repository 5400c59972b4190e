// Run by the program itself, see `askFacts`: prints what a cluster says that decides what an `up` does.
import { loadCluster } from "../components/cluster/client.ts";
import { readFacts } from "../components/cluster/facts.ts";
import { clusterOf, runCommand } from "./commandLine.ts";

await runCommand("Usage: node commands/facts.ts [POOL...]", async () => {
  const config = loadCluster(clusterOf({}), process.env);
  console.log(JSON.stringify(await readFacts(config, process.argv.slice(2))));
});
