/** Pure: reads a report back. */
import * as v from "valibot";
import { type ProofReport, reportKind, reportVersion, type UpdateReport } from "./types.ts";

const moment = v.nullable(v.number());
const text = v.nullable(v.string());

const pods = v.looseObject({ image: v.string(), mode: v.string(), token: text, configuration: text });

const proof = v.looseObject({
  daemonSet: v.string(),
  ok: v.boolean(),
  ...{ verified: v.number(), failed: v.number(), excluded: v.number(), seconds: v.number() },
  nodes: v.array(
    v.looseObject({
      node: v.string(),
      pod: text,
      ...{ ageSeconds: moment, syncDelaySeconds: moment },
      mode: text,
      service: v.nullable(v.looseObject({ verdict: v.picklist(["answers", "fails", "unasked"]) })),
      verdict: v.picklist(["verified", "failed", "excluded"]),
      reasons: v.array(v.string()),
    }),
  ),
});

const wave = v.looseObject({
  daemonSet: v.string(),
  pool: text,
  state: v.picklist(["unchanged", "waiting", "running", "proved", "done", "failed"]),
  ...{ began: moment, ended: moment },
  changes: v.array(v.string()),
  before: v.nullable(pods),
  after: pods,
  failure: text,
  proof: v.nullable(proof),
  nodes: v.array(
    v.looseObject({
      node: v.string(),
      ...{ oldPod: text, newPod: text },
      ...{ deleted: moment, stopped: moment, created: moment, ready: moment, synced: moment },
      isExact: v.boolean(),
    }),
  ),
});

const time = v.pipe(
  v.string(),
  v.check((value) => !Number.isNaN(Date.parse(value))),
);

/** More fields than those named here are a newer release's. */
const shape = v.looseObject({
  kind: v.literal(reportKind),
  version: v.literal(reportVersion),
  ...{ began: time, ended: v.nullable(time), written: time },
  outcome: v.picklist(["running", "succeeded", "failed", "interrupted"]),
  writer: v.looseObject({ pid: v.number(), host: v.string() }),
  occasions: v.array(v.string()),
  ...{ by: v.string(), token: v.string(), strategy: v.string(), stack: text, snapshot: text },
  cluster: v.looseObject({ id: v.string(), server: v.string(), context: text }),
  told: v.array(v.looseObject({ level: v.picklist(["info", "warn"]), text: v.string() })),
  skipped: v.array(v.looseObject({ what: v.string(), why: v.string() })),
  waves: v.array(wave),
  ...{ next: v.array(v.string()), unrecorded: v.array(v.string()) },
});

/** A value as a report; undefined for what is none, or one of another version. */
export function asReport(value: unknown): UpdateReport | undefined {
  return v.is(shape, value) ? (value as unknown as UpdateReport) : undefined;
}

/** A value as what a proof has found; undefined for what is none. */
export function asProof(value: unknown): ProofReport | undefined {
  return v.is(proof, value) ? (value as unknown as ProofReport) : undefined;
}
