import type { ClusterFacts } from "../facts/facts.ts";
import { withoutUserinfo } from "../input/passwords.ts";
import type { Expected } from "../report/record.ts";
import type { Occasion, PodsReport, Told } from "../report/types.ts";
import { initialToken, restartAnnotation, RestartStrategy } from "../restart/restart.ts";
import { whoRuns } from "../restart/trace.ts";
import { changesOf } from "./changes.ts";
import { mountedOf, runningOf } from "./drift.ts";
import { Action, type Intent, type WaveIntent } from "./intent.ts";
import { modeOf, wantedMode } from "./modes.ts";
import { switchOf } from "./modeSwitch.ts";

/** What {@link expectedOf} takes beside the intent. */
export interface Update {
  /** Names of pools that stay as they are. */
  readonly held: readonly string[];
  /** Whether something is taken over. */
  readonly isAdoption: boolean;
  /** `organization/project/stack`; undefined where there is none. */
  readonly owner: string | undefined;
  readonly token: string | undefined;
  readonly strategy: RestartStrategy | undefined;
  /** What the forecast and the checks have told. */
  readonly told: { readonly lines: readonly string[]; readonly warnings: readonly string[] };
  /** Where a CI system says which run this is. */
  readonly env: NodeJS.ProcessEnv;
}

/** Says for the report of an update what it is going to do, and from what to what. */
export function expectedOf(intent: Intent, update: Update, facts: ClusterFacts): Expected {
  const { held, isAdoption, owner, token = initialToken, told, env } = update;
  const each = intent.waves.flatMap((wave) => occasionOf(wave, facts));
  const all = new Set<Occasion>([...(isAdoption ? (["adoption"] as const) : []), ...each]);
  return {
    occasions: order.filter((occasion) => all.has(occasion)),
    by: whoRuns(env),
    token,
    strategy: update.strategy ?? RestartStrategy.Rolling,
    stack: owner ?? null,
    cluster: {
      id: facts.namespace?.uid ?? "",
      server: withoutUserinfo(facts.server ?? ""),
      context: facts.context ?? null,
    },
    snapshot: null,
    told: [...told.warnings.map(toldAs("warn")), ...told.lines.map(toldAs("info"))],
    skipped: held.map((pool) => ({ what: `pool ${pool}`, why: "the update pauses before it (pause)" })),
    waves: intent.waves.map((wave) => waveOf(wave, intent.secret, facts)),
  };
}

function toldAs(level: Told["level"]): (text: string) => Told {
  return (text) => ({ level, text });
}

const order: readonly Occasion[] = ["provision", "adoption", "mode switch", "restart", "rollout", "repair"];

function occasionOf({ action, wave, live }: WaveIntent, facts: ClusterFacts): Occasion[] {
  switch (action) {
    case Action.create:
      return ["provision"];
    case Action.restart:
      return switchOf(wave, facts) === undefined ? ["restart"] : ["mode switch", "restart"];
    case Action.takeOver:
    case Action.change:
      return live !== undefined && switchOf(wave, facts) !== undefined ? ["mode switch"] : ["rollout"];
    case Action.repair:
      return ["repair"];
    default:
      return [];
  }
}

function waveOf(
  { wave, action, live }: WaveIntent,
  secret: boolean,
  facts: ClusterFacts,
): Expected["waves"][number] {
  const { metadata, spec } = wave.daemonSet;
  const running = runningOf(wave, facts)?.data["config.conf"];
  const after = {
    image: spec.template.spec.containers[0].image,
    mode: wantedMode(wave),
    token: metadata.annotations?.[restartAnnotation] ?? null,
    configuration: secret ? null : wave.configMap.data["config.conf"],
  };
  const before: PodsReport | null =
    live === undefined
      ? null
      : {
          image: imageOf(live.spec),
          mode: running === undefined ? "" : modeOf(running),
          token: live.annotations[restartAnnotation] ?? null,
          configuration: secret ? null : (running ?? null),
        };
  return {
    daemonSet: metadata.name,
    pool: wave.pool ?? null,
    state: action === Action.none ? "unchanged" : "waiting",
    changes: live === undefined || secret ? [] : changesOf(wave, live, mountedOf(wave, facts)),
    before,
    after,
  };
}

function imageOf(spec: {
  readonly template?: { readonly spec?: { readonly containers?: readonly { readonly image?: unknown }[] } };
}): string {
  const image = spec.template?.spec?.containers?.[0]?.image;
  return typeof image === "string" ? image : "";
}
