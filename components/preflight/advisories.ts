import { advisories } from "../advisories/advisories.ts";
import { holds, holdsOn, isOfNodes, type Running } from "../advisories/match.ts";
import { type Advisory, Preflight } from "../advisories/types.ts";
import { Effective } from "../configuration/effective.ts";
import type { ClusterFacts } from "../facts/facts.ts";
import { parseVersion } from "../kubeadm/version.ts";
import { runningOf } from "../plan/drift.ts";
import { Action, type Intent, type WaveIntent } from "../plan/intent.ts";
import { recordOf } from "../plan/modes.ts";
import { always, type Check, type Finding, never, Severity } from "./check.ts";
import { nodesNamed } from "./versions.ts";

/** A check for each advisory that is told before an update, so that each can be ignored by its name. */
export const advisoryChecks: readonly Check[] = advisories
  .filter(({ preflight }) => preflight !== Preflight.never)
  .map((row) => ({
    name: row.name,
    needs: isOfNodes(row) ? ["nodes"] : [],
    severity: row.refuses ? always : never,
    find: (facts, intent) => intent.waves.flatMap((wave) => find(row, wave, intent, facts)),
  }));

function find(row: Advisory, wave: WaveIntent, { settings }: Intent, facts: ClusterFacts): Finding[] {
  const { daemonSet } = wave.wave;
  const [{ image }] = daemonSet.spec.template.spec.containers;
  const wanted = runningWith(image, wave.configuration, settings.kubernetesVersion);
  if (!holds(row, wanted)) {
    return [];
  }
  const nodes = wave.nodes.filter(({ system }) => holdsOn(row, system && { osImage: "", ...system }));
  if (isOfNodes(row) && nodes.length === 0) {
    return [];
  }
  const before = runningBefore(wave, facts, settings.kubernetesVersion);
  const startsPods = wave.action !== Action.none && wave.action !== Action.foreign;
  const goesInto = startsPods && !(before !== undefined && holds(row, before));
  const isTold = {
    [Preflight.always]: true,
    [Preflight.restart]: startsPods && before !== undefined,
    [Preflight.change]: goesInto && before !== undefined,
    [Preflight.never]: false,
  }[row.preflight];
  return isTold
    ? [
        {
          object: isOfNodes(row) ? nodesNamed(nodes) : `DaemonSet ${daemonSet.metadata.name}`,
          wrong: row.what,
          remedy: `${row.remedy} (${row.sources[0] ?? ""})`,
          ...(!goesInto && { severity: Severity.warning }),
        },
      ]
    : [];
}

/** What runs in a wave's place: its DaemonSet, or the one of all before it is a pool of its own. */
function runningBefore(
  { wave, live, configuration: { minor } }: WaveIntent,
  facts: ClusterFacts,
  otherwise: string,
): Running | undefined {
  const before = live ?? facts.daemonSets.find(({ name }) => name === "kube-proxy");
  const { spec } = (before?.spec["template"] ?? {}) as { spec?: { containers?: { image?: string }[] } };
  const image = spec?.containers?.[0]?.image;
  const config = runningOf(wave, facts)?.data["config.conf"] ?? "";
  return image === undefined
    ? undefined
    : runningWith(image, new Effective(recordOf(config), minor), otherwise);
}

/** @param otherwise - the version, where the image's tag is none */
function runningWith(image: string, configuration: Effective, otherwise: string): Running {
  const text = (path: string) => {
    const given = configuration.given(path);
    return typeof given === "string" ? given : "";
  };
  const tag = image.split("@")[0]?.split(":").at(-1);
  return {
    version: parseVersion(tag)?.text ?? otherwise,
    mode: text("mode"),
    detectLocalMode: text("detectLocalMode"),
    maxPerCore: configuration.given("conntrack.maxPerCore"),
    image,
  };
}
