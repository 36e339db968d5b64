"""The official SDK as a process: one JSON request per line on standard input, one JSON reply per line on standard output.

Each operation is a few calls of the SDK and says what they gave; what is right is decided by the tests that ask.
"""

import json
import os
import sys
import time
import traceback

# Replies have the real standard output for themselves; whatever libraries print goes to standard error.
replies = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

import bittensor as bt  # noqa: E402
import bittensor_drand  # noqa: E402
from bittensor.utils import get_mechid_storage_index  # noqa: E402
from bittensor_wallet import Keyfile, Keypair, Wallet  # noqa: E402

# Extrinsics are signed for a few blocks only; blocks are short here, so reading and signing may take several.
PERIOD = 64

subtensor = bt.Subtensor(network=sys.argv[1]) if len(sys.argv) > 1 else None


def wallet_of(uris):
    """A wallet of development accounts, in memory but for what the library needs on disk."""
    wallet = Wallet(name=uris["name"], hotkey="default", path=uris["path"])
    wallet.set_coldkey(Keypair.create_from_uri(uris["coldkey"]), encrypt=False, overwrite=True)
    wallet.set_coldkeypub(Keypair.create_from_uri(uris["coldkey"]), encrypt=False, overwrite=True)
    wallet.set_hotkey(Keypair.create_from_uri(uris["hotkey"]), encrypt=False, overwrite=True)
    return wallet


def outcome(response):
    error = getattr(response, "error", None)
    return {
        "success": bool(response.success),
        "message": str(response.message),
        "error": None if error is None else str(error),
    }


def versions():
    from importlib.metadata import version

    names = ["bittensor", "bittensor-wallet", "bittensor-drand", "async-substrate-interface"]
    return {name: version(name) for name in names}


def subnets():
    dynamic = subtensor.all_subnets()
    infos = subtensor.get_all_subnets_info()
    return {
        "netuids": subtensor.get_all_subnets_netuid(),
        "dynamic": [
            {"netuid": s.netuid, "tempo": s.tempo, "price": s.price.rao, "owner": s.owner_coldkey, "symbol": s.symbol}
            for s in dynamic
        ],
        "infos": [
            {"netuid": i.netuid, "n": i.subnetwork_n, "burn": i.burn.rao, "tempo": i.tempo, "owner": i.owner_ss58}
            for i in infos
        ],
        "metagraphs": [m.netuid for m in subtensor.get_all_metagraphs_info(all_mechanisms=True)],
    }


def subnet(netuid):
    one = subtensor.subnet(netuid)
    info = subtensor.get_subnet_info(netuid)
    return {
        "price": one.price.rao,
        "taoIn": one.tao_in.rao,
        "ownerHotkey": one.owner_hotkey,
        "n": info.subnetwork_n,
        "exists": subtensor.subnet_exists(netuid),
        "missing": subtensor.subnet_exists(netuid + 1),
        "none": subtensor.get_subnet_info(netuid + 1) is None,
    }


def metagraph(netuid, lite):
    graph = subtensor.metagraph(netuid, lite=lite)
    info = subtensor.get_metagraph_info(netuid)
    return {
        "block": int(graph.block),
        "n": int(graph.n),
        "hotkeys": list(graph.hotkeys),
        "coldkeys": list(graph.coldkeys),
        "stake": [float(value) for value in graph.S],
        "incentive": [float(value) for value in graph.I],
        "dividends": [float(value) for value in graph.D],
        "lastUpdate": [int(value) for value in graph.last_update],
        "validatorPermit": [bool(value) for value in graph.validator_permit],
        "axons": [f"{axon.ip}:{axon.port}" for axon in graph.axons],
        "weights": None if lite else [[float(value) for value in row] for row in graph.W],
        "info": {"tempo": info.tempo, "numUids": info.num_uids, "commitments": info.commitments},
    }


def hyperparameters(netuid):
    known = subtensor.get_subnet_hyperparameters(netuid)
    return {
        name: getattr(known, name)
        for name in (
            "tempo",
            "kappa",
            "immunity_period",
            "min_allowed_weights",
            "weights_rate_limit",
            "weights_version",
            "activity_cutoff",
            "max_validators",
            "commit_reveal_weights_enabled",
            "commit_reveal_period",
            "serving_rate_limit",
            "yuma_version",
            "alpha_sigmoid_steepness",
        )
    }


def balances(addresses):
    return {address: balance.rao for address, balance in subtensor.get_balances(*addresses).items()}


def stake(coldkey, hotkey, netuid):
    return {
        "listed": [
            {"hotkey": s.hotkey_ss58, "netuid": s.netuid, "stake": s.stake.rao, "registered": s.is_registered}
            for s in subtensor.get_stake_info_for_coldkey(coldkey)
        ],
        "one": subtensor.get_stake(coldkey, hotkey, netuid).rao,
        "delegates": len(subtensor.get_delegates()),
        "hotkeys": subtensor.get_owned_hotkeys(coldkey),
    }


def register(wallet, netuid):
    mine = wallet_of(wallet)
    response = subtensor.burned_register(mine, netuid, period=PERIOD)
    hotkey = mine.hotkey.ss58_address
    return {**outcome(response), "uid": subtensor.get_uid_for_hotkey_on_subnet(hotkey, netuid)}


def serve_axon(wallet, netuid, ip, port):
    axon = bt.Axon(wallet=wallet_of(wallet), ip="127.0.0.1", port=port, external_ip=ip, external_port=port)
    return outcome(subtensor.serve_axon(netuid, axon, period=PERIOD))


def set_weights(wallet, netuid, mechid, uids, weights, block_time):
    mine = wallet_of(wallet)
    response = subtensor.set_weights(
        mine, netuid, mechid=mechid, uids=uids, weights=weights, block_time=block_time, period=PERIOD
    )
    data = response.data or {}
    commit = data.get("commit_for_reveal") if isinstance(data, dict) else None
    return {
        **outcome(response),
        "call": None if response.extrinsic is None else response.extrinsic.value["call"]["call_function"],
        "commit": None if commit is None else bytes(commit).hex(),
        "round": data.get("reveal_round") if isinstance(data, dict) else None,
    }


def weights(netuid, mechid):
    return [[uid, [list(pair) for pair in row]] for uid, row in subtensor.weights(netuid, mechid=mechid)]


def timelocked_commits(netuid, mechid):
    return [
        {"hotkey": hotkey, "block": block, "commit": commit, "round": round_}
        for hotkey, block, commit, round_ in subtensor.get_timelocked_weight_commits(netuid, mechid=mechid)
    ]


def commitment(wallet, netuid, text):
    mine = wallet_of(wallet)
    response = subtensor.set_commitment(mine, netuid, text, period=PERIOD)
    uid = subtensor.get_uid_for_hotkey_on_subnet(mine.hotkey.ss58_address, netuid)
    return {
        **outcome(response),
        "one": subtensor.get_commitment(netuid, uid),
        "all": subtensor.get_all_commitments(netuid),
    }


def send(wallet, module, function, params, sign_with):
    """Any call, composed from the metadata and sent as the SDK sends its own."""
    params = {k: bytes.fromhex(v[2:]) if isinstance(v, str) and v.startswith("0x") else v for k, v in params.items()}
    call = subtensor.compose_call(call_module=module, call_function=function, call_params=params)
    return outcome(
        subtensor.sign_and_send_extrinsic(call=call, wallet=wallet_of(wallet), sign_with=sign_with, period=PERIOD)
    )


def epoch(netuid):
    """What the SDK computes about epochs and what the chain says, at one block."""
    block = subtensor.block
    return {
        "block": block,
        "blocksUntilNextEpoch": subtensor.blocks_until_next_epoch(netuid, block=block),
        "nextEpochStart": subtensor.get_next_epoch_start_block(netuid, block=block),
        "chainNextEpoch": subtensor.query_runtime_api(
            "SubnetInfoRuntimeApi", "get_next_epoch_start_block", [netuid], block=block
        ),
        "tempo": subtensor.tempo(netuid, block=block),
    }


def prices():
    try:
        return {"prices": {str(netuid): price.rao for netuid, price in subtensor.get_subnet_prices().items()}}
    except Exception as error:
        return {"error": str(error)}


def commit_for_round(uids, weights, version_key, hotkey, genesis_time, round_):
    """The SDK's commit for a round of the past, whose signature is known: time runs backwards at negative block times."""
    tempo, block, netuid = 360, 1000, 1
    until_reveal = 1 * (tempo + 1) * ((block + netuid + 1) // (tempo + 1) + 1) - (netuid + 1) + 3 - block
    wanted = genesis_time + 3 * round_ + 1.5
    commit, reveal_round = bittensor_drand.get_encrypted_commit(
        uids=uids,
        weights=weights,
        version_key=version_key,
        tempo=tempo,
        current_block=block,
        netuid=netuid,
        subnet_reveal_period_epochs=1,
        block_time=(wanted - time.time()) / until_reveal,
        hotkey=bytes.fromhex(hotkey),
    )
    return {"commit": bytes(commit).hex(), "round": reveal_round}


def compact(value):
    """SCALE compact of a length below 2^14."""
    return bytes([value << 2]) if value < 64 else ((value << 2) | 1).to_bytes(2, "little")


def open_ciphertext(ciphertext, round_, signature):
    """What bittensor_drand reads from a ciphertext, given the signature of its round."""
    data = bytes.fromhex(ciphertext)
    wrapped = compact(len(data)) + data + round_.to_bytes(8, "little")
    return bytes(bittensor_drand.decrypt_with_signature(wrapped, signature)).hex()


def commit_round(tempo, block, netuid, reveal_period, block_time):
    """The round that bittensor_drand chooses, and when."""
    before = time.time()
    _, reveal_round = bittensor_drand.get_encrypted_commit(
        uids=[0],
        weights=[1],
        version_key=0,
        tempo=tempo,
        current_block=block,
        netuid=netuid,
        subnet_reveal_period_epochs=reveal_period,
        block_time=block_time,
        hotkey=bytes(32),
    )
    return {"before": before, "after": time.time(), "round": reveal_round}


def storage_index(netuid, mechid):
    return get_mechid_storage_index(netuid, mechid)


def create_wallet(path, name, password):
    """A new wallet as btcli makes it: the hotkey plain, the coldkey encrypted when there is a password."""
    wallet = Wallet(name=name, hotkey="default", path=path)
    wallet.create_new_coldkey(
        use_password=password is not None,
        coldkey_password=password,
        overwrite=True,
        suppress=True,
        save_coldkey_to_env=False,
    )
    wallet.create_new_hotkey(use_password=False, overwrite=True, suppress=True)
    return {
        "coldkey": wallet.coldkeypub.ss58_address,
        "hotkey": wallet.hotkey.ss58_address,
        "encrypted": wallet.coldkey_file.is_encrypted(),
    }


def load_wallet(path, name, password, message):
    """Opens a wallet that somebody else wrote and signs with both keys."""
    wallet = Wallet(name=name, hotkey="default", path=path)
    encrypted = wallet.coldkey_file.is_encrypted()
    coldkey = wallet.coldkey_file.get_keypair(password) if encrypted else wallet.coldkey
    return {
        "coldkey": coldkey.ss58_address,
        "coldkeypub": wallet.coldkeypub.ss58_address,
        "hotkey": wallet.hotkey.ss58_address,
        "encrypted": encrypted,
        "coldkeySignature": coldkey.sign(message).hex(),
        "hotkeySignature": wallet.hotkey.sign(message).hex(),
    }


def open_keyfile(path, password):
    return Keyfile(path).get_keypair(password).ss58_address


def verify(address, message, signature):
    return Keypair(ss58_address=address).verify(message, bytes.fromhex(signature))


operations = {
    function.__name__: function
    for function in (
        versions,
        subnets,
        subnet,
        metagraph,
        hyperparameters,
        balances,
        stake,
        register,
        serve_axon,
        set_weights,
        weights,
        timelocked_commits,
        commitment,
        send,
        epoch,
        prices,
        commit_for_round,
        open_ciphertext,
        commit_round,
        storage_index,
        create_wallet,
        load_wallet,
        open_keyfile,
        verify,
    )
}

for line in sys.stdin:
    request = json.loads(line)
    try:
        reply = {"id": request["id"], "result": operations[request["op"]](**request["args"])}
    except BaseException as error:  # panics of the Rust parts derive from BaseException
        traceback.print_exc()
        reply = {"id": request["id"], "error": f"{type(error).__name__}: {error}"}
    replies.write(json.dumps(reply) + "\n")
