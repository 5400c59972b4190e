import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";
import { defaultFolder, outdated } from "../../../components/cluster/ownFolder.ts";
import { writeSnapshot } from "../../../components/cluster/snapshot/folder.ts";
import { formatSnapshot, type Snapshot } from "../../../components/cluster/snapshot/format.ts";
import { Flaw, mount } from "../../fileSystem.ts";

const account = {
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { namespace: "kube-system", name: "kube-proxy" },
};
const daemonSet = { ...account, apiVersion: "apps/v1", kind: "DaemonSet" };

function snapshotAt(second: number, objects = [account, daemonSet], cluster = "uid-1"): Snapshot {
  return {
    cluster,
    server: "https://127.0.0.1",
    time: new Date(Date.UTC(2026, 10, 23, 10, 15, second)),
    objects,
  };
}

/** More than a page of memory. */
const large = snapshotAt(0, [{ ...daemonSet, metadata: { ...account.metadata, name: "x".repeat(10_000) } }]);

const stranger = 12345;
const unlessRoot = process.geteuid?.() === 0 ? false : "only root can give a folder to another user";

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

suite("where snapshots are kept", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "snapshot-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  test("a missing folder is made for its owner alone; the name sorts by time", () => {
    const path = writeSnapshot(join(folder, "a", "b"), snapshotAt(7), 10);
    assert.equal(path, join(folder, "a", "b", "uid-1", "2026-11-23T10-15-07.000Z.yaml"));
    assert.equal(readFileSync(path, "utf8"), formatSnapshot(snapshotAt(7)));
    assert.equal(mode(path), "600");
    assert.equal(mode(dirname(path)), "700");
    assert.equal(mode(join(folder, "a")), "700");
  });

  test("an existing folder of the cluster is closed to others", () => {
    mkdirSync(join(folder, "uid-1"));
    chmodSync(join(folder, "uid-1"), 0o755);
    writeSnapshot(folder, snapshotAt(0), 10);
    assert.equal(mode(join(folder, "uid-1")), "700");
  });

  test("the newest of this cluster are kept, and what is not a snapshot", () => {
    writeSnapshot(folder, snapshotAt(0, [daemonSet], "uid-2"), 2);
    writeSnapshot(folder, snapshotAt(0), 2);
    writeFileSync(join(folder, "uid-1", "notes.yaml"), "");
    for (const second of [1, 2, 3]) {
      writeSnapshot(folder, snapshotAt(second), 2);
    }
    assert.deepEqual(readdirSync(join(folder, "uid-1")), [
      "2026-11-23T10-15-02.000Z.yaml",
      "2026-11-23T10-15-03.000Z.yaml",
      "notes.yaml",
    ]);
    assert.equal(readdirSync(join(folder, "uid-2")).length, 1);
  });

  test("one without a DaemonSet pushes none out", () => {
    const whole = writeSnapshot(folder, snapshotAt(0), 1);
    writeSnapshot(folder, snapshotAt(1, [account]), 1);
    assert.ok(statSync(whole).isFile());
    writeSnapshot(folder, snapshotAt(2), 1);
    assert.deepEqual(readdirSync(join(folder, "uid-1")), ["2026-11-23T10-15-02.000Z.yaml"]);
  });

  test("the one just written stays, also when a clock was set back", () => {
    const names = ["2026-11-23T10-15-01.000Z.yaml", "2026-11-23T10-15-02.000Z.yaml"];
    assert.deepEqual(outdated(names, names[0] ?? "", 1, "yaml"), [names[1]]);
  });

  test("a folder that cannot be made is an error that names it", () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    for (const path of [file, join(file, "below"), "/proc/nowhere"]) {
      assert.throws(
        () => writeSnapshot(path, snapshotAt(0), 10),
        ({ message }: Error) =>
          message.includes(`folder: ${JSON.stringify(path)}`) && /mend it, or choose/.test(message),
      );
    }
  });

  for (const [what, error] of [
    ["readOnly", /EROFS: read-only file system/],
    ["full", /ENOSPC: no space left on device/],
  ] as const) {
    test(`a file system that is ${what} is an error that names the folder; no file is left on it`, async (t) => {
      const flawed = await mount(Flaw[what]);
      if (flawed === undefined) {
        t.skip("this machine has no mounts for a process of its own");
        return;
      }
      try {
        const { path } = flawed;
        assert.throws(
          () => writeSnapshot(path, large, 10),
          ({ message }: Error) => message.includes(`folder: ${JSON.stringify(path)}`) && error.test(message),
        );
        const entries = readdirSync(path, { recursive: true, withFileTypes: true });
        assert.deepEqual(
          entries.filter((entry) => entry.isFile()),
          [],
        );
      } finally {
        await flawed.unmount();
      }
    });
  }

  test("nothing half-written is left when the file cannot take its place", () => {
    mkdirSync(join(folder, "uid-1", "2026-11-23T10-15-00.000Z.yaml", "in the way"), { recursive: true });
    assert.throws(() => writeSnapshot(folder, snapshotAt(0), 10), /folder: /);
    assert.deepEqual(readdirSync(join(folder, "uid-1")), ["2026-11-23T10-15-00.000Z.yaml"]);
  });

  /** Refused, with the reason; what is elsewhere is as it was. */
  const refuses = (path: string, reason: RegExp, elsewhere: string) => {
    const before = { mode: mode(elsewhere), names: readdirSync(elsewhere) };
    assert.throws(
      () => writeSnapshot(path, snapshotAt(0), 10),
      ({ message }: Error) =>
        message.includes(`folder: ${JSON.stringify(path)} is not accepted`) && reason.test(message),
    );
    assert.deepEqual({ mode: mode(elsewhere), names: readdirSync(elsewhere) }, before);
  };

  test("no link is followed: neither as the folder of all clusters nor as a cluster's", () => {
    const [elsewhere, link, shared] = ["elsewhere", "link", "shared"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    for (const made of [elsewhere, shared]) mkdirSync(made);
    chmodSync(elsewhere, 0o755);
    for (const path of [link, join(shared, "uid-1")]) symlinkSync(elsewhere, path);
    refuses(link, /link is a symbolic link/, elsewhere);
    refuses(shared, /uid-1 is a symbolic link/, elsewhere);
  });

  test("a link with a snapshot's name is replaced, or left alone, but never followed", () => {
    const [elsewhere, own] = [join(folder, "elsewhere"), join(folder, "uid-1")];
    mkdirSync(own);
    writeFileSync(elsewhere, "as it was");
    for (const name of ["2026-11-23T10-15-00.000Z.yaml", "2020-01-01T00-00-00.000Z.yaml"]) {
      symlinkSync(elsewhere, join(own, name));
    }
    for (const second of [0, 1]) writeSnapshot(folder, snapshotAt(second), 1);
    assert.deepEqual(readdirSync(own), ["2020-01-01T00-00-00.000Z.yaml", "2026-11-23T10-15-01.000Z.yaml"]);
    assert.equal(readFileSync(elsewhere, "utf8"), "as it was");
  });

  test("a stray folder of a snapshot's name stops none of the later ones, nor is it removed", () => {
    const stray = join(folder, "uid-1", "2020-01-01T00-00-00.000Z.yaml");
    mkdirSync(join(stray, "notes"), { recursive: true });
    for (const second of [0, 1, 2]) writeSnapshot(folder, snapshotAt(second), 1);
    assert.deepEqual(readdirSync(join(folder, "uid-1")), [
      "2020-01-01T00-00-00.000Z.yaml",
      "2026-11-23T10-15-02.000Z.yaml",
    ]);
  });

  test("another user's folder is neither used nor closed to others", { skip: unlessRoot }, () => {
    const own = join(folder, "uid-1");
    mkdirSync(own);
    chmodSync(own, 0o755);
    chownSync(own, stranger, stranger);
    refuses(folder, /uid-1 belongs to user 12345/, own);
    const theirs = join(folder, "theirs");
    mkdirSync(theirs);
    chownSync(theirs, stranger, stranger);
    refuses(theirs, /theirs belongs to user 12345/, theirs);
  });

  test("on the way there, a link is followed unless another user has made it", { skip: unlessRoot }, () => {
    const [elsewhere, link] = [join(folder, "elsewhere"), join(folder, "link")];
    mkdirSync(join(elsewhere, "snapshots"), { recursive: true });
    symlinkSync(elsewhere, link);
    writeSnapshot(join(link, "snapshots"), snapshotAt(0, [daemonSet], "uid-2"), 10);
    lchownSync(link, stranger, stranger);
    refuses(join(link, "snapshots"), /link belongs to user 12345/, join(elsewhere, "snapshots"));
  });

  test("by default below XDG_STATE_HOME, or ~/.local/state", () => {
    assert.equal(defaultFolder({ XDG_STATE_HOME: "/state" }), "/state/kube-proxy-as-code/snapshots");
    const home = join(homedir(), ".local", "state", "kube-proxy-as-code", "snapshots");
    assert.equal(defaultFolder({}), home);
    assert.equal(defaultFolder({ XDG_STATE_HOME: "relative" }), home);
  });
});
