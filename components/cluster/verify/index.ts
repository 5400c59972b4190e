/** Proof that kube-proxy runs on every node as it is meant to, and the comparison of all nodes with each other. */
export { formatBaseline, leastOf, readBaselines } from "./baseline.ts";
export { choicesOf, inEachFleet, type Share } from "./choices.ts";
export { examine, type Diagnosis, type ExamineOptions } from "./doctor.ts";
export type { Finding } from "./diagnosis.ts";
export { formatDiagnosis, formatReport } from "./table.ts";
export { prepareRestart, type PrepareOptions, takeBaseline } from "./prepare.ts";
export { lookAgain } from "./lookAgain.ts";
export { makeTestService } from "./testService.ts";
export { removeTestServices, withTestServices } from "./testServiceRemoval.ts";
export type { Baseline, Expectation, NodeResult, Report, ServiceAnswer, Verdict } from "./types.ts";
export { verify, type VerifyOptions } from "./verify.ts";
