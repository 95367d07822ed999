"""The benchmark of a round plays a right one; what a client sends is hardly more than its vector."""

from heronry.bench.privacy.secure_round import measure_round


def test_a_fifth_of_the_clients_drops_and_a_client_sends_little_beside_its_vector() -> None:
    row = measure_round(10, 10_000, 2, 7)

    assert row["is_right"]
    assert row["client_bytes_up"]["input"] == row["plain_bytes_up"] == 40_000
    # Two keys, a digest, nine sealed shares and a share of each client: names apart, in bytes.
    names = 19 * len("client-0000")
    assert row["client_bytes_up"]["all"] - 40_000 - names == 64 + 32 + 9 * 148 + 10 * 66
