/** Whether the tests on real nodes can run here. */
import { missingForRealNodes } from "../../lab/real/requirements.ts";

const missing = await missingForRealNodes();

/** Why these tests cannot run on this machine; false where they can. For a suite's `skip`. */
export const skip =
  missing.length === 0
    ? false
    : missing
        .map(({ path, value, accepted }) => [path, value, accepted].filter(Boolean).join(": "))
        .join("; ");

if (skip !== false) {
  console.error(
    `\nNOT TESTED: no Service connection was measured, because this machine cannot have real nodes.\n${skip}\n`,
  );
}
