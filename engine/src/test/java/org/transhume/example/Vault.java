package org.transhume.example;

import java.time.Duration;
import java.util.List;
import org.transhume.engine.embedding.Migration;
import org.transhume.engine.guest.Service;
import org.transhume.engine.guest.ServiceGuest;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.RamBlock;

public class Vault implements Service {
    @Override
    public void start() {} // let requests in: they write the memory as they like

    @Override
    public void stop() {} // return when nobody writes it any more

    public static void main(String[] args) throws Exception {
        var memory = new GuestMemory(List.of(RamBlock.memfd("vault", 1L << 30)));
        try (var guest = new ServiceGuest("vault", memory, new Vault())) {
            if (args[0].equals("take")) { // the new process: Vault take unix:/run/vault
                var arrival = Migration.incoming(guest).at(args[1]).start();
                System.out.println(arrival.completion().join().outcome());
                return;
            }
            guest.resume(); // and the old one: Vault give unix:/run/vault
            var way = Migration.outgoing(guest).to(args[1]).with(c -> c.downtimeLimit(Duration.ofMillis(20)));
            System.out.println(way.start().completion().join().downtime());
        }
    }
}
