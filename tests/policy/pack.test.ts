/** The policy pack as Pulumi starts it, asked as the engine asks. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import { credentials } from "@grpc/grpc-js";
import { AnalyzerClient } from "@pulumi/pulumi/proto/analyzer_grpc_pb.js";
import proto from "@pulumi/pulumi/proto/analyzer_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import { daemonSetsOf, registered, type Seen } from "./program.ts";

const root = join(import.meta.dirname, "..", "..");
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const structOf = (value: object) =>
  struct.Struct.fromJavaScript(JSON.parse(JSON.stringify(value)) as Record<string, struct.JavaScriptValue>);

function optionsOf({ deleteBeforeReplace, ignoreChanges }: Seen): proto.AnalyzerResourceOptions {
  return new proto.AnalyzerResourceOptions()
    .setDeletebeforereplace(deleteBeforeReplace)
    .setDeletebeforereplacedefined(true)
    .setIgnorechangesList([...ignoreChanges]);
}

const manifest = (...path: string[]) =>
  JSON.parse(readFileSync(join(root, ...path, "package.json"), "utf8")) as {
    version: string;
    dependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  };

suite("the policy pack", { timeout: 60_000 }, () => {
  const script = join(root, "node_modules", "@pulumi", "pulumi", "cmd", "run-policy-pack", "index.js");
  // The first address is the engine's, for what the pack has to log.
  const server = spawn(process.execPath, [script, "127.0.0.1:1", "."], {
    cwd: join(root, "policy"),
    stdio: ["ignore", "pipe", "inherit"],
  });
  let client: AnalyzerClient;
  before(async () => {
    const [port] = (await once(server.stdout, "data")) as [Buffer];
    client = new AnalyzerClient(`127.0.0.1:${port.toString().trim()}`, credentials.createInsecure());
  });
  after(async () => {
    client.close();
    const ended = once(server, "exit");
    server.kill();
    await ended;
  });

  const said = (response: proto.AnalyzeResponse) =>
    response
      .getDiagnosticsList()
      .map((one) => ({ policy: one.getPolicyname(), message: one.getMessage(), urn: one.getUrn() }));

  async function analyze(seen: Seen): Promise<{ policy: string; message: string }[]> {
    const request = new proto.AnalyzeRequest()
      .setType(seen.type)
      .setUrn(seen.urn)
      .setName(seen.name)
      .setProperties(structOf(seen.inputs))
      .setOptions(optionsOf(seen))
      .setProvider(new proto.AnalyzerProviderResource().setProperties(structOf(seen.providerInputs)));
    const call = promisify<proto.AnalyzeRequest, proto.AnalyzeResponse>(client.analyze.bind(client));
    return said(await call(request));
  }

  async function analyzeStack(all: readonly Seen[]): Promise<{ policy: string; urn: string }[]> {
    const resources = all.map((seen) =>
      new proto.AnalyzerResource()
        .setType(seen.type)
        .setUrn(seen.urn)
        .setName(seen.name)
        .setProperties(structOf(seen.inputs))
        .setOptions(optionsOf(seen))
        .setDependenciesList([...seen.dependencies]),
    );
    const call = promisify<proto.AnalyzeStackRequest, proto.AnalyzeResponse>(
      client.analyzeStack.bind(client),
    );
    return said(await call(new proto.AnalyzeStackRequest().setResourcesList(resources)));
  }

  test("is of the repository's version, and made with the library that is tried here", () => {
    assert.equal(manifest("policy").version, manifest().version);
    assert.equal(
      manifest("policy").dependencies["@pulumi/policy"],
      manifest().devDependencies["@pulumi/policy"],
    );
  });

  test("finds nothing in what the component registers", async () => {
    const all = await registered();
    for (const seen of all) assert.deepEqual(await analyze(seen), [], seen.urn);
    assert.deepEqual(await analyzeStack(all), []);
  });

  test("finds what a transform or an argument has broken", async () => {
    const all = await registered({ verify: false }, true);
    const [set] = daemonSetsOf(all);
    assert.ok(set);
    const found = await analyze({ ...set, deleteBeforeReplace: false });
    assert.deepEqual(
      found.map(({ policy }) => policy),
      ["restart-replaces", "no-upsert"],
    );
    assert.match(found[0]?.message ?? "", /It has no deleteBeforeReplace/);
    assert.deepEqual(
      (await analyzeStack(all)).map(({ policy, urn }) => [policy, urn]),
      daemonSetsOf(all).map(({ urn }) => ["proof", urn]),
    );
  });

  test("says of what a preview does not know that it cannot be said, and tells the rest", async () => {
    const [set] = daemonSetsOf(await registered());
    assert.ok(set);
    const found = await analyze({ ...set, deleteBeforeReplace: false, inputs: { metadata: unknown } });
    assert.match(found[0]?.message ?? "", /It has no deleteBeforeReplace/);
    assert.match(found[1]?.message ?? "", /can't run policy 'restart-replaces'.*during preview/);
  });

  test("asks for a pinned image where it is configured to", async () => {
    const policy = new proto.PolicyConfig()
      .setEnforcementlevel(proto.EnforcementLevel.MANDATORY)
      .setProperties(structOf({ pinned: "digest" }));
    const request = new proto.ConfigureAnalyzerRequest();
    request.getPolicyconfigMap().set("pinned-image", policy);
    await promisify<proto.ConfigureAnalyzerRequest, unknown>(client.configure.bind(client))(request);
    const [set] = daemonSetsOf(await registered());
    assert.ok(set);
    const found = await analyze(set);
    assert.match(found[0]?.message ?? "", /kube-proxy:v1\.37\.2 has no digest: set image/);
    assert.equal(found.length, 1);
  });
});
