/** Whether the tests on real nodes can run here. */
import type { Problem } from "../../components/input/problems.ts";
import { missingForRealNodes } from "../../lab/real/requirements.ts";
import { availableMegabytes, lackOfMemory, missingForMachines } from "../../lab/vm/requirements.ts";

const missing = await missingForRealNodes();

/** Why these tests cannot run on this machine; false where they can. For a suite's `skip`. */
export const skip = reason(missing);

/** The same for tests on a node with a kernel of its own. */
export const skipMachines = reason([
  ...missing,
  ...missingForMachines(),
  ...lackOfMemory(1, availableMegabytes()),
]);

function reason(problems: readonly Problem[]): string | false {
  return problems.length === 0
    ? false
    : problems
        .map(({ path, value, accepted }) => [path, value, accepted].filter(Boolean).join(": "))
        .join("; ");
}

if (skipMachines !== false) {
  console.error(`\nNOT TESTED: nothing of ipvs was measured.\n${skipMachines}\n`);
}
if (skip !== false) {
  console.error(
    `\nNOT TESTED: no Service connection was measured, because this machine cannot have real nodes.\n${skip}\n`,
  );
}
