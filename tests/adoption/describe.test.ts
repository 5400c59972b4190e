import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parse } from "yaml";
import { describeTakeOver, takeOverProblems } from "../../components/adoption/describe.ts";
import type { TakeOver } from "../../components/adoption/takeOver.ts";

const takeOver: TakeOver = {
  taken: ["ConfigMap kube-system/kube-proxy", "DaemonSet kube-system/kube-proxy"],
  edits: {},
  problems: [],
  changes: [],
  keepsPods: true,
};

suite("what a user reads of a takeover", () => {
  test("edits are lines for the stack's config file, without secrets", () => {
    const env = [
      { name: "HTTPS_PROXY", value: "http://me:secret@proxy:3128" },
      { name: "API_KEY", value: "secret" },
    ];
    const [problem, ...others] = takeOverProblems({ ...takeOver, edits: { extraArgs: ["--v=4"], env } }, {});
    assert.deepEqual(others, []);
    assert.equal(problem?.path, "extraArgs, env");
    assert.match(
      problem.accepted,
      /set that of HTTPS_PROXY by pulumi config set --secret --path 'env\[0\]\.value', that of API_KEY by .*'env\[1\]\.value'\):$/,
    );
    const [plain] = takeOverProblems({ ...takeOver, edits: { env: [{ name: "TZ", value: "UTC" }] } }, {});
    assert.doesNotMatch(plain?.accepted ?? "", /VALUE/);
    assert.deepEqual(parse((problem.lines ?? []).join("\n")), {
      "kube-proxy:extraArgs": ["--v=4"],
      "kube-proxy:env": [
        { name: "HTTPS_PROXY", value: "VALUE" },
        { name: "API_KEY", value: "VALUE" },
      ],
    });
  });

  test("pools and a stop have to wait", () => {
    const problems = takeOverProblems(takeOver, { pools: [{ name: "all" }], running: false });
    assert.deepEqual(
      problems.map(({ path }) => path),
      ["pools", "running"],
    );
    assert.deepEqual(takeOverProblems(takeOver, { pools: [], running: true }), []);
  });

  test("what is taken over, and what changes", () => {
    assert.equal(
      describeTakeOver(takeOver),
      "ConfigMap kube-system/kube-proxy, DaemonSet kube-system/kube-proxy: taken over as they are, and no pod restarts.",
    );
    assert.match(
      describeTakeOver({ ...takeOver, keepsPods: false, changes: ["ConfigMap: config.conf, mode"] }),
      /with changes that restart the pods\.\n {2}changed: ConfigMap: config\.conf, mode$/,
    );
  });
});
