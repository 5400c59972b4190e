/** One edit at a time, of every field that there is: kept by settings, or refused by its path; never lost without a word. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { withoutOwnAnnotations } from "../../components/adoption/daemonSet.ts";
import { formatPath } from "../../components/adoption/differences.ts";
import { type Settings } from "../../components/kubeadm/settings.ts";
import { liveObjects } from "./live.ts";
import { outcomeOf } from "./outcome.ts";
import { editsOf, withEdit } from "./schema.ts";

const base: Settings = {
  kubernetesVersion: "v1.37.2",
  controlPlaneEndpoint: "192.0.2.10:6443",
  podSubnet: "10.244.0.0/16",
};
const made = liveObjects(base).map(withoutOwnAnnotations);

/** As the API server shows it: without what is empty of an object's or its pods' labels and annotations. */
function shown<T>(object: T): T {
  return JSON.parse(JSON.stringify(object), (key, value: unknown) =>
    (key === "labels" || key === "annotations") && Object.keys(value ?? {}).length === 0 ? undefined : value,
  ) as T;
}

suite("one edit of", () => {
  for (const object of made) {
    test(`${object.kind}: it is never lost without a word`, () => {
      const edits = editsOf(object);
      const lost = edits.flatMap((edit) => {
        const edited = withEdit(object, edit);
        if (isDeepStrictEqual(shown(edited), shown(object))) return [];
        const lostBy = outcomeOf([shown(edited)], base, { kind: object.kind, path: edit.path });
        return lostBy === undefined
          ? []
          : [`${formatPath(edit.path)} = ${JSON.stringify(edit.value)}: ${lostBy}`];
      });
      assert.ok(edits.length > 30, "there are fields");
      assert.deepEqual(lost, []);
    });
  }
});
