/** host/: the only room that touches the machine: files, processes, clock; tests put faults here. */
export { setFaults, type Fault, type HostCall } from "./faults.ts";
export { FileStorage, type OpenMode } from "./file-storage.ts";
export { randomName, temporaryDirectory, type TemporaryDirectory } from "./temporary.ts";
export { isBeingWritten } from "./being-written.ts";
export { checkOutput, publish, type PublishOptions } from "./publish.ts";
export { lockFile, tryLockFile, type FileLock, type LockOptions } from "./lock.ts";
export { commitFile } from "./commit-file.ts";
export {
  allocatedBytes,
  makePrivateDirectory,
  readChunks,
  readSmallFile,
  removePath,
  statOf,
  throwIfAborted,
  touch,
  writePrivateFile,
} from "./files.ts";
export {
  type FileRegion,
  readExactRegion,
  readHead,
  readRegion,
  turningBuffers,
} from "./read-region.ts";
export { type EngineAddress, type EngineAnswer, getFromEngine, showEngine } from "./engine-http.ts";
export { notRegular, regularFileSize } from "./regular-file.ts";
export { packageFile } from "./package-file.ts";
export { wickDirectories, type Environment, type WickDirectories } from "./directories.ts";
export { findProgram, requireProgram } from "./programs.ts";
export { runTool, type ToolOptions } from "./tool.ts";
export { pipeThroughTool, type PipeToolOptions } from "./pipe-tool.ts";
export { undoAtExit } from "./cleanup.ts";
export { monotonicMs, unixSeconds } from "./clock.ts";
export { deadline, type Deadline } from "./deadline.ts";
export { LineTail, type LineTailLimits } from "./line-tail.ts";
export {
  startProcess,
  type ProcessExit,
  type ProcessOptions,
  type SupervisedProcess,
} from "./process.ts";
export { checkPortFree, isIpv4Address, type HostPort } from "./ports.ts";
export { awaitPeer, fitsSocketPath, socketListens, type Awaited } from "./unix-socket.ts";
export { networkDevices, routedSubnets, type Ipv4Subnet } from "./network-devices.ts";
export { removeTap } from "./remove-tap.ts";
export { mayChangeNetwork } from "./capabilities.ts";
export { requestOverSocket, type SocketAnswer, type SocketRequest } from "./socket-http.ts";
export { connectTcp, type TcpTarget } from "./tcp-client.ts";
export { listenTcp, resetClient, type TcpClient, type TcpListener } from "./tcp-server.ts";
export { checkPrivateDirectory } from "./private-directory.ts";
export { readStandardInput } from "./stdin.ts";
export {
  letOthersRun,
  linkTarget,
  namesIn,
  readExactly,
  statExactly,
  type BytePath,
  type ExactStat,
} from "./walk.ts";
export { readXattrs, type FoundXattrs, type HostXattr } from "./xattrs.ts";
export { currentUser } from "./user.ts";
export { changeOwner, removeIfEmpty } from "./owner.ts";
export type { DeathBinding } from "./launch.ts";
export { directoriesIn, filesBelow } from "./files-below.ts";
export { guardedDirectory } from "./janitor.ts";
export { removeAbandoned } from "./abandoned.ts";
export { checkOutputDirectory, publishDirectory } from "./publish-directory.ts";
export { OutputFile } from "./output-file.ts";
export { makeNewDirectory, movePath, replaceSymlink, tryHardLink } from "./links.ts";
export { every, listDirectory, readSymlink, writeSmallFile, type ListedFile } from "./listing.ts";
export { bootId, hostArch, processors } from "./machine.ts";
export { mayRead, mayUse } from "./access.ts";
export { canReflink, cloneFile, copyContents } from "./copy.ts";
export { realBytePath, realPath } from "./real-path.ts";
export { linksBelow } from "./links-below.ts";
export { explainFullDisk, type FullDisk } from "./disk-full.ts";
export { freeBytes } from "./free-space.ts";
export { openHttp } from "./http/open.ts";
export type { HttpClient, HttpOptions, HttpRequest, HttpResponse } from "./http/client.ts";
export { isLoopbackHost } from "./http/addresses.ts";
export { ConnectionError } from "./http/connection-error.ts";
export type { AddressRules, Reach } from "./http/reach.ts";
export { spareStorage } from "./spare-storage.ts";
export { temporaryStorage } from "./temporary-storage.ts";
