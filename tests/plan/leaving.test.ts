/** How ipvs is left: what the setting makes of the pods, and what a preview says of it. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { ClusterFacts } from "../../components/index.ts";
import {
  drainOf,
  isDrain,
  isKept,
  keepsIpvs,
  leavingAnnotation,
  leavingOf,
  lostSettings,
} from "../../components/plan/leaving.ts";
import { switchOf } from "../../components/plan/modeSwitch.ts";
import { type Plain, planOf } from "../../components/plan/plan.ts";
import { factsAfter, foretold } from "./facts.ts";

const plain = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10" };
const inMode = (mode: string, more: Partial<Plain> = {}): Plain => ({
  ...plain,
  configuration: { mode },
  ...more,
});

const nodes = [
  {
    name: "node-1",
    labels: { "kubernetes.io/os": "linux" },
    taints: [],
    ready: "True",
    unschedulable: false,
  },
];
const after = (settings: Plain, more: Partial<ClusterFacts> = {}): ClusterFacts => ({
  ...factsAfter(settings, nodes),
  ...more,
});

/** What a preview says. */
const said = (settings: Plain, facts: ClusterFacts) => foretold(settings, facts, "2m");
const linesOf = (settings: Plain, facts: ClusterFacts) => said(settings, facts).lines.join("\n");

const ipvs = after(inMode("ipvs"));
const keep = { modeSwitch: { onDeadline: "keep" } } as const;

suite("the setting", () => {
  test("waits half an hour and stops, unless it says otherwise; what is kept needs no time", () => {
    assert.deepEqual(drainOf(), { drain: "30m", timeoutMs: 1_800_000, onDeadline: "stop" });
    assert.deepEqual(drainOf({ onDeadline: "cut" }), {
      drain: "30m",
      timeoutMs: 1_800_000,
      onDeadline: "cut",
    });
    assert.deepEqual(drainOf(keep.modeSwitch), { drain: "0s", timeoutMs: 0, onDeadline: "keep" });
    assert.equal(drainOf({ drain: "1h", onDeadline: "keep" }).timeoutMs, 3_600_000);
    assert.deepEqual(["0s", "24h", "24h1s", "-1s", "30", "soon"].map(isDrain), [
      true,
      true,
      ...[false, false, false, false],
    ]);
  });

  test("is on the DaemonSet, for what clears ipvs at the end; whoever has none has no annotation", () => {
    const [wave] = planOf(inMode("nftables", { modeSwitch: { drain: "5m", onDeadline: "cut" } })).waves;
    assert.deepEqual(leavingOf(wave.daemonSet.metadata.annotations), { drain: "5m", onDeadline: "cut" });
    const [other] = planOf(inMode("nftables")).waves;
    assert.ok(!(leavingAnnotation in (other.daemonSet.metadata.annotations ?? {})));
  });

  test("is not read from what somebody else writes there", () => {
    for (const text of [
      "",
      "{",
      "[]",
      "7",
      '{"drain": "soon", "onDeadline": "now"}',
      '{"drain": 1, "image": 2}',
    ]) {
      assert.deepEqual(leavingOf({ [leavingAnnotation]: text }), {}, text);
    }
  });
});

suite("a kube-proxy that keeps ipvs", () => {
  const specOf = (settings: Plain) => planOf(settings).waves[0].daemonSet.spec.template.spec;

  test("does not see the kernel's modules, in mode nftables alone", () => {
    const { volumes, containers } = specOf(inMode("nftables", keep));
    assert.deepEqual(
      volumes.map(({ name }) => name),
      ["kube-proxy", "xtables-lock"],
    );
    assert.deepEqual(
      containers[0].volumeMounts.map(({ mountPath }) => mountPath),
      ["/var/lib/kube-proxy", "/run/xtables.lock"],
    );
    for (const mode of ["iptables", "ipvs"]) {
      assert.deepEqual(specOf(inMode(mode, keep)), specOf(inMode(mode)), mode);
    }
    assert.deepEqual(
      specOf(inMode("nftables", { modeSwitch: { onDeadline: "cut" } })),
      specOf(inMode("nftables")),
    );
  });

  test("clears it when the setting is taken out: that is a switch, too", () => {
    const kept = after(inMode("nftables", keep));
    assert.ok(isKept(kept.daemonSets[0]));
    const [same] = planOf(inMode("nftables", keep)).waves;
    assert.equal(switchOf(same, kept), undefined);
    const [cleared] = planOf(inMode("nftables")).waves;
    assert.deepEqual(switchOf(cleared, kept), { from: "ipvs", to: "nftables", isKept: true });
  });
});

suite("virtual servers of others, which ipvs.excludeCIDRs names", () => {
  const others = { configuration: { mode: "nftables", ipvs: { excludeCIDRs: ["192.0.2.0/24"] } } };
  const from = after({ ...plain, configuration: { ...others.configuration, mode: "ipvs" } });
  const image = { image: "tools" };

  test("stay in mode nftables: its kube-proxies do not see ipvs, and what is kube-proxy's is cleared all the same", () => {
    const [wave] = planOf({ ...plain, ...others, modeSwitch: image }).waves;
    const { template } = wave.daemonSet.spec;
    assert.ok(!template.spec.volumes.some(({ name }) => name === "lib-modules"));
    assert.ok(!keepsIpvs(template));
    const live = after({ ...plain, ...others, modeSwitch: image });
    assert.equal(isKept(live.daemonSets[0]), false);
    assert.equal(switchOf(planOf({ ...plain, ...others }).waves[0], live), undefined);
    // Also when the setting is gone, and in mode iptables without any of it.
    const [later] = planOf({ ...plain, ...others }).waves;
    assert.deepEqual(later.daemonSet.spec.template.spec, template.spec);
    const iptables = { ...plain, configuration: { ...others.configuration, mode: "iptables" } };
    const [plainly] = planOf(iptables).waves;
    assert.ok(plainly.daemonSet.spec.template.spec.volumes.some(({ name }) => name === "lib-modules"));
  });

  test("are kept with all of it by keep, and what is kube-proxy's is cleared later", () => {
    const kept = after({ ...plain, ...others, ...keep });
    assert.ok(isKept(kept.daemonSets[0]));
    const [cleared] = planOf({ ...plain, ...others, modeSwitch: image }).waves;
    assert.deepEqual(switchOf(cleared, kept), { from: "ipvs", to: "nftables", isKept: true });
  });

  test("want an image that can choose, unless all is kept; the preview says that they stay", () => {
    for (const mode of ["nftables", "iptables"]) {
      const settings = { ...plain, configuration: { ...others.configuration, mode } };
      const [problem] = said(settings, from).problems;
      assert.equal(problem?.path, "modeSwitch.image");
      assert.deepEqual(said({ ...settings, modeSwitch: image }, from).problems, []);
      assert.deepEqual(said({ ...settings, ...keep }, from).problems, []);
    }
    const lines = linesOf({ ...plain, ...others, modeSwitch: image }, from);
    assert.match(lines, /Virtual servers of others, at 192\.0\.2\.0\/24, stay/);
    assert.doesNotMatch(lines, /excludeCIDRs has no effect/);
    assert.deepEqual(said(inMode("nftables"), from).problems, []);
  });
});

suite("a preview", () => {
  test("says how ipvs is left for nftables, in four steps", () => {
    const lines = linesOf(inMode("nftables"), ipvs);
    assert.match(
      lines,
      /kube-proxy switches from mode ipvs to nftables, in four steps\. Prepare: .* beside those of ipvs/,
    );
    assert.match(
      lines,
      /New connections go by nftables from then on\. Drain: waits up to 30m until ipvs carries no /,
    );
    assert.match(
      lines,
      /with some left, this update ends here\. Switch: .* Clear: what is left of ipvs is removed/,
    );
    assert.deepEqual(said(inMode("nftables"), ipvs).problems, []);
    const cut = inMode("nftables", { modeSwitch: { drain: "90s", onDeadline: "cut" } });
    assert.match(linesOf(cut, ipvs), /Drain: waits up to 90s .*; what is left is named, and cut\./);
  });

  test("says that ipvs stays where it is kept, what that means, and how it goes", () => {
    const lines = linesOf(inMode("nftables", keep), ipvs);
    assert.match(
      lines,
      /Keep: ipvs stays, .* until an update without modeSwitch clears it\. A Service that is deleted/,
    );
    assert.doesNotMatch(lines, /Clear:/);
    const kept = after(inMode("nftables", keep));
    assert.deepEqual(said(inMode("nftables", keep), kept).warnings, [
      "kube-proxy keeps ipvs beside mode nftables: a Service that is deleted goes on answering. Take modeSwitch out of the " +
        "config to clear it.",
    ]);
    const cleared = said(inMode("nftables"), kept);
    assert.match(
      cleared.lines.join("\n"),
      /kube-proxy clears ipvs, which was kept beside nftables, in two steps\. Drain: /,
    );
    assert.match(cleared.lines.join("\n"), /DaemonSet kube-proxy is changed in place/);
    assert.deepEqual(cleared.warnings, []);
  });

  test("says that iptables needs no preparation", () => {
    const lines = linesOf(inMode("iptables"), ipvs);
    assert.match(
      lines,
      /from mode ipvs to iptables, in three steps\. Switch: .*; ipvs goes on with the connections/,
    );
    assert.match(lines, /Drain: waits up to 30m/);
    assert.match(linesOf(inMode("iptables", keep), ipvs), /in two steps\. Switch: .* Keep: ipvs stays/);
    assert.deepEqual(said(inMode("iptables"), ipvs).problems, []);
  });

  test("wants a confirmation where ipvs cannot be kept from going, and for a switch into it", () => {
    const old = { kubernetesVersion: "v1.33.4" };
    const [problem] = said(inMode("nftables", old), after(inMode("ipvs", old))).problems;
    assert.match(
      problem?.accepted ?? "",
      /"ipvs to nftables": kube-proxy of 1\.33 removes ipvs .* Go by mode iptables/,
    );
    const [into] = said(inMode("ipvs"), after(inMode("nftables"))).problems;
    assert.match(
      into?.accepted ?? "",
      /"nftables to ipvs": ipvs is deprecated, off by default in 1\.40 and gone in 1\.43/,
    );
  });

  test("refuses to leave ipvs in the update that takes kube-proxy over, and to clear it with no kube-proxy there", () => {
    const unowned = after(inMode("ipvs"));
    for (const set of unowned.daemonSets) set.annotations = {};
    const paths = said(inMode("nftables"), unowned).problems.map(({ path }) => path);
    assert.ok(paths.includes("configuration.mode"), paths.join());

    const recreating = { restartStrategy: "Recreate" } as const;
    const kept = after(inMode("nftables", { ...keep, ...recreating }));
    const restart = inMode("nftables", { ...recreating, restart: "now" });
    const [problem] = said(restart, kept).problems;
    assert.equal(problem?.path, "restart");
    const rolling = after(inMode("nftables", keep));
    assert.deepEqual(said(inMode("nftables", { restart: "now" }), rolling).problems, []);
  });

  test("names the settings that mean nothing without ipvs, and what becomes of them", () => {
    assert.deepEqual(
      lostSettings('mode: ipvs\nipvs: {scheduler: "", excludeCIDRs: null, strictARP: false}', []),
      [],
    );
    const configuration = {
      mode: "ipvs",
      ipvs: { scheduler: "lc", strictARP: true, excludeCIDRs: ["192.0.2.1/32"] },
    };
    const lines = linesOf(inMode("nftables"), after({ ...plain, configuration }));
    assert.match(
      lines,
      /configuration\.ipvs\.scheduler has no effect in the new mode: every other mode chooses an endpoint/,
    );
    assert.match(
      lines,
      /configuration\.ipvs\.strictARP has no effect in the new mode: MetalLB and kube-vip need it in mode/,
    );
    assert.match(
      lines,
      /configuration\.ipvs\.excludeCIDRs has no effect in the new mode: taken out of the configuration, all/,
    );
  });
});
