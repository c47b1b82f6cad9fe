import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";

/**
 * Unmounts and removes what a run left behind that was killed: mounts whose image is in a folder
 * with the given prefix, made by a process that is no more. Loop devices go with their mounts.
 */
export function removeLeftOvers(folder: string, prefix: string): readonly string[] {
  const dead = readdirSync(folder).filter((name) => {
    const owner = /^\d+/.exec(name.startsWith(prefix) ? name.slice(prefix.length) : "")?.[0];
    return owner !== undefined && !existsSync(`/proc/${owner}`);
  });
  for (const name of dead) {
    for (const device of loopDevicesOf(`${folder}/${name}/`)) {
      for (const mountPoint of mountPointsOf(device)) execFileSync("umount", ["-l", mountPoint]);
    }
    rmSync(`${folder}/${name}`, { recursive: true, force: true });
  }
  return dead;
}

/** Loop devices behind which an image is whose path begins so. */
export function loopDevicesOf(imagePrefix: string): readonly string[] {
  return readdirSync("/sys/block").flatMap((name) => {
    const path = `/sys/block/${name}/loop/backing_file`;
    return existsSync(path) && readFileSync(path, "utf8").startsWith(imagePrefix)
      ? [`/dev/${name}`]
      : [];
  });
}

function mountPointsOf(device: string): readonly string[] {
  const lines = readFileSync("/proc/self/mounts", "utf8").split("\n");
  return lines.flatMap((line) => {
    const [source, mountPoint] = line.split(" ");
    return source === device && mountPoint !== undefined ? [mountPoint] : [];
  });
}
